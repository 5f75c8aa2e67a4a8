"""The demo's fleet: real processes of different services, which call the simulator through the real SDKs, metered."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from meter import settings
from meter.errors import ExtraMissing, MeterError
from meter.simulator import Simulator

SEED = 7
POLL_S = 0.1
_FOREIGN = ("METER_", "OTEL_", "OPENAI_", "ANTHROPIC_")


@dataclass(frozen=True)
class Step:
    """So many calls of one kind (`meter.demo.worker` has the kinds) to one model, in one feature."""

    kind: str
    model: str
    calls: int
    feature: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Member:
    """One process: its service, its team (None: it tags nothing), and what it does."""

    service: str
    team: str | None
    cost_center: str
    steps: tuple[Step, ...] = field(default=())

    @property
    def calls(self) -> int:
        """How many calls it makes."""
        return sum(step.calls for step in self.steps)


FLEET: tuple[Member, ...] = (
    Member("search-api", "search", "CC-210", (
        Step("responses", "gpt-5.6-luna", 10, "answers"),
        Step("responses_stream", "gpt-5.6-luna", 20, "answers"),
    )),
    Member("support-bot", "support", "CC-310", (
        Step("messages_stream", "claude-sonnet-5", 16, "tickets"),
        Step("messages", "claude-haiku-4-5", 12, "triage"),
        Step("messages", "claude-haiku-4-5", 2, "triage", "overloaded-once"),
    )),
    Member("recommender", "growth", "CC-410", (
        Step("chat_async", "gpt-4o-mini", 16, "offers"),
        Step("chat_stream_async", "gpt-4o-mini", 12, "offers"),
        Step("chat", "gpt-4o-mini", 2, "offers", "rate-limited-once"),
    )),
    Member("documents", "documents", "CC-220", (
        Step("embeddings", "text-embedding-3-small", 14, "indexing"),
        Step("chat", "gpt-5.6-terra", 12, "extraction"),
        Step("chat", "gpt-5.6-terra", 2, "extraction", "bad-request"),
    )),
    Member("code-review", "platform", "CC-110", (
        Step("messages_async", "claude-opus-5", 10, "review"),
        Step("messages_abandoned", "claude-opus-5", 3, "review"),
    )),
    Member("notebooks", None, "", (
        Step("chat_stream", "gpt-5.6-sol", 8),
        Step("chat_abandoned", "gpt-5.6-sol", 2),
        Step("chat", "acme-lab-70b", 4),
    )),
)  # fmt: skip


def run(
    home: Path,
    fleet: Sequence[Member] = FLEET,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    sdks: Sequence[str] = ("openai", "anthropic"),
    timeout_s: float = 90.0,
) -> int:
    """Run the fleet against a simulator of its own; its spool lies in `home`. Returns how many calls were asked for.

    Raises ExtraMissing without the SDKs, MeterError when a process fails or the fleet takes too long.
    """
    for name in sdks:
        if find_spec(name) is None:
            raise ExtraMissing(f"the demo calls through the {name} SDK", hint="run: pip install 'spendmeter[demo]'")
    total = sum(member.calls for member in fleet)
    with Simulator(seed=SEED) as simulator, ExitStack() as stack:
        running = [_Process(stack, member, simulator.url, home) for member in fleet]
        _wait(running, timeout_s, lambda: progress(_made(simulator), total))
    progress(total, total)
    return total


def _made(simulator: Simulator) -> int:
    """Return how many calls have arrived, without the SDKs' own retries."""
    return sum(arrival.headers.get("x-stainless-retry-count", "0") == "0" for arrival in simulator.requests)


class _Process:
    """One started member. Leaving the stack ends it, whatever it is doing."""

    def __init__(self, stack: ExitStack, member: Member, url: str, home: Path) -> None:
        self.service = member.service
        self._errors: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 – the stack closes it
        order = json.dumps({"url": url, "team": member.team, "steps": [asdict(step) for step in member.steps]})
        command = [sys.executable, "-m", "meter.demo.worker", order]
        self._child = stack.enter_context(
            subprocess.Popen(
                command, env=environment(settings.environ(), member, home), stdout=self._errors, stderr=self._errors
            )
        )
        stack.callback(self._child.kill)

    def is_done(self) -> bool:
        """Whether it has ended well. Raises MeterError when it has ended badly."""
        status = self._child.poll()
        if status:
            self._errors.seek(0)
            last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
            raise MeterError(f"{self.service} of the demo's fleet ended with status {status}: {' '.join(last)}")
        return status is not None


def _wait(running: Sequence[_Process], timeout_s: float, tick: Callable[[], None]) -> None:
    end = time.monotonic() + timeout_s
    waiting = list(running)
    while waiting := [process for process in waiting if not process.is_done()]:
        if time.monotonic() > end:
            late = ", ".join(process.service for process in waiting)
            raise MeterError(
                f"after {timeout_s:g} s the demo's fleet still works: {late}",
                hint="run it again when the machine is less busy",
            )
        tick()
        time.sleep(POLL_S)


def environment(outer: Mapping[str, str], member: Member, home: Path) -> dict[str, str]:
    """Return a child's environment: nothing of the user's own metering or keys, and no proxy on the way to loopback."""
    kept = {
        name: value
        for name, value in outer.items()
        if not name.startswith(_FOREIGN) and not name.lower().endswith("_proxy")
    }
    kept |= {"METER_HOME": str(home), "METER_SERVICE": member.service}
    return kept | ({"METER_TAGS": f"cost_center={member.cost_center}"} if member.cost_center else {})

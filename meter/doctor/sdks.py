"""The SDKs that are installed here: whether Meter's hooks fit them, and whether their version has been tested."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from meter import settings
from meter.doctor.finding import Finding, note, ok, wrong
from meter.instrument import UNUSED
from meter.instrument.presence import numbers, predates
from meter.providers.model import Provider
from meter.providers.sdks import load

TIMEOUT_S = 60


def check_sdks(known: Sequence[Provider] | None = None) -> Iterator[Finding]:
    """Look at every SDK that Meter knows. Each is imported in a process of its own: this one stays as it is."""
    providers = load() if known is None else known
    present = [provider for provider in providers if is_installed(provider.package)]
    for provider, process in [(provider, _probe(provider.package)) for provider in present]:
        yield _judged(provider, process)
    absent = [provider.package for provider in providers if provider not in present]
    if absent:
        yield note(
            ", ".join(absent), f"not installed in {sys.prefix}", "services have environments of their own: run it there"
        )


def _probe(package: str) -> subprocess.Popen[str]:
    """Start a probe. It records nothing, and runs at the root: a folder of the user's could hide modules of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "meter.doctor.probe", package],
        cwd=Path(sys.executable).anchor,
        env=bare_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _judged(provider: Provider, process: subprocess.Popen[str]) -> Finding:
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return wrong(provider.package, f"its import took longer than {TIMEOUT_S} s", "import it by hand and see")
    if process.returncode:
        last = (err.strip().splitlines() or ["no reason given"])[-1]
        return wrong(provider.package, f"cannot be imported: {last}", f"mend or reinstall {provider.package}")
    return judge(provider, [json.loads(line) for line in out.splitlines()])


def judge(provider: Provider, hooks: Sequence[dict[str, Any]]) -> Finding:
    """Return what an SDK's hooks amount to."""
    oldest, newest = provider.tested
    found = next((hook["version"] for hook in hooks if hook["version"]), None) or "of unknown version"
    name, span = f"{provider.package} {found}", f"tested with {oldest} to {newest}"
    hooks = [hook for hook in hooks if hook["state"] not in UNUSED]
    if not hooks and predates(found, provider.since):
        return ok(name, f"leaves its calls to other SDKs, as all versions before {provider.since}")
    broken = [hook for hook in hooks if hook["state"] != "patched"]
    if broken or not hooks:
        which = "; ".join(f"{hook['target']} is {hook['state']} {hook['detail']}".strip() for hook in broken)
        return wrong(name, f"cannot be metered: {which or 'no hook knows it'}", f"use a version that was {span}")
    if numbers(found) > numbers(newest):
        return note(name, f"all {len(hooks)} hooks fit; newer than what was {span}", "meter doctor --selftest tries it")
    if numbers(found) < numbers(oldest):
        return note(name, f"all {len(hooks)} hooks fit; older than what was {span}", "meter doctor --selftest tries it")
    return ok(name, f"all {len(hooks)} hooks fit; {span}")


def is_installed(package: str) -> bool:
    """Say whether a package can be found; the one around it may be missing too."""
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


FOREIGN = ("METER_", "OPENAI_", "ANTHROPIC_")


def bare_environment() -> dict[str, str]:
    """Return the environment without settings of Meter and the SDKs, and without proxies: those know no loopback."""
    kept = {name: text for name, text in settings.environ().items() if not name.startswith(FOREIGN)}
    return {name: text for name, text in kept.items() if not name.lower().endswith("_proxy")}

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from meter.spool import State, Writer, segments
from meter.spool.format import STATE_BYTES
from meter.spool.state import Tally, decode, encode, read, write
from tests.spool.reading import Clock, only

OLD = State(seq=99, pid=1, host="one", lines=5, failures={"a": 1}, versions={"python": "3.13"})
NEW = State(seq=100, pid=1, host="one", lines=12345, lost=7, lost_bytes=700, failures={"a": 1, "b": 22}, closed=True)


def test_a_state_fills_its_room_exactly_and_reads_back() -> None:
    for state in (OLD, NEW, State()):
        data = encode(state)
        assert len(data) == STATE_BYTES
        assert data.endswith(b"\n")
        assert decode(data) == replace(state, end=state.seq)


@pytest.mark.parametrize(
    ("before", "after"), [(OLD, NEW), (NEW, OLD), (OLD, replace(OLD, seq=101, failures={}, lost=3))]
)
def test_a_state_caught_at_any_byte_of_its_rewriting_is_never_a_mixture(before: State, after: State) -> None:
    first, second = encode(before), encode(after)
    whole = [None, decode(first), decode(second)]
    assert all(decode(second[:cut] + first[cut:]) in whole for cut in range(STATE_BYTES + 1))


@pytest.mark.parametrize("steps", [0, 10, 100, 1000])
@pytest.mark.parametrize("letter", ["x", "\0", "ü", "🙂"])
def test_a_state_fits_however_much_there_is_to_say(steps: int, letter: str) -> None:
    names = {f"{letter * 1000}"[: 150 + n % 40] + str(n): n for n in range(steps)}
    state = replace(NEW, host=letter * 5000, failures=names, versions=dict.fromkeys(names, letter * 3000))
    data = encode(state)
    assert len(data) == STATE_BYTES
    found = decode(data)
    assert found is not None
    assert (found.lost, found.lost_bytes, found.lines) == (7, 700, 12345)
    assert sorted(found.failures.values()) == sorted(names.values())[len(names) - len(found.failures) :]


def test_a_state_that_is_missing_or_nonsense_is_none(tmp_path: Path) -> None:
    assert read(tmp_path / "none.state") is None
    (tmp_path / "a.state").write_bytes(b"\0" * STATE_BYTES)
    assert read(tmp_path / "a.state") is None


def test_a_state_is_rewritten_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a.state"
    write(path, encode(OLD), 0o600)
    inode = path.stat().st_ino
    write(path, encode(NEW), 0o600)
    assert path.stat().st_ino == inode
    assert read(path) == replace(NEW, end=100)


def test_tallies_subtract() -> None:
    earlier = Tally(1, 2, 3, Counter(a=1, b=2))
    assert Tally(5, 5, 5, Counter(a=4, b=2, c=1)).since(earlier) == Tally(4, 3, 2, Counter(a=3, c=1))


def test_a_state_tells_who_writes_how_much_and_what_failed(tmp_path: Path) -> None:
    import os
    import platform

    clock, failures = Clock(), {"hook.openai": 2}
    writer = Writer(
        tmp_path,
        clock=clock,
        now=lambda: 1_700_000_000.25,
        failures=failures,
        versions={"meter": "1"},
        first_line=lambda: b"p",
    )
    for _ in range(3):
        assert writer.append(b"12345")
        clock.time += 1
    state = only(tmp_path).state()
    assert state is not None
    assert (state.pid, state.host) == (os.getpid(), platform.node())
    assert state.started == state.updated == 1_700_000_000_250_000
    assert (state.lines, state.bytes_written, state.closed) == (4, 3 + 3 * 7, False)
    assert (state.lost, state.lost_bytes) == (0, 0)
    assert state.failures == {"hook.openai": 2}
    assert state.versions.keys() == {"python", "meter"}


def test_the_states_of_a_process_add_up(tmp_path: Path) -> None:
    failures: Counter[str] = Counter()
    writer = Writer(tmp_path, segment_bytes=100, failures=failures)
    for n in range(50):
        failures["step"] += 1
        assert writer.append(b"%020d" % n)
    writer.close()
    states = [state for segment in segments(tmp_path) if (state := segment.state())]
    assert len(states) > 5
    assert sum(state.lines for state in states) == 50
    assert sum(state.failures["step"] for state in states) == 50
    assert all(state.closed for state in states)

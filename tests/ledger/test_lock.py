"""Turns at the ledger, between processes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from meter import lock
from meter.errors import LedgerLocked, MeterError
from tests.ledger.records import child

HOLD = """
import sys
from pathlib import Path
from typing import Any
from meter import lock
with lock.held(Path(sys.argv[1]), exclusive=sys.argv[2] == "True", timeout_s=5):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def another_process(path: Path, *, exclusive: bool) -> Iterator[int]:
    """Let a process of its own hold the lock."""
    with child(HOLD, path, exclusive) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder.pid
        holder.stdin.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.lock"


def is_free(path: Path, *, exclusive: bool) -> bool:
    try:
        with lock.held(path, exclusive=exclusive, timeout_s=0):
            return True
    except LedgerLocked:
        return False


def refusal(path: Path, **named: Any) -> tuple[str, str]:
    """Return what one is told who does not get the lock."""
    with pytest.raises(LedgerLocked) as caught, lock.held(path, **{"exclusive": True, "timeout_s": 0, **named}):
        pass
    assert caught.value.hint is not None
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize(
    ("held", "wanted", "free"), [(True, True, False), (True, False, False), (False, True, False), (False, False, True)]
)
def test_writers_stand_alone_and_readers_share(path: Path, held: bool, wanted: bool, free: bool) -> None:
    with another_process(path, exclusive=held):
        assert is_free(path, exclusive=wanted) is free
    assert is_free(path, exclusive=True)


def test_a_lock_outlives_the_opening_and_closing_of_its_file(path: Path) -> None:
    with lock.held(path, exclusive=True, timeout_s=0):
        path.read_bytes()
        assert not is_free(path, exclusive=False)


def test_a_writer_that_holds_too_long_is_named(path: Path) -> None:
    with another_process(path, exclusive=True) as pid:
        message, hint = refusal(path)
    assert f"is being written by process {pid} on " in message
    assert "meter status" in hint


@pytest.mark.skipif(not lock.LOCKS.exists(), reason="only Linux lists who holds a lock")
def test_a_reader_that_holds_too_long_is_named(path: Path) -> None:
    with another_process(path, exclusive=False) as pid:
        assert lock.holders(path) == [pid]
        with (
            pytest.raises(LedgerLocked, match=rf"held by another process \(pid {pid}\); waited 0 s"),
            lock.held(path, exclusive=True, timeout_s=0),
        ):
            pass
    assert lock.holders(path) == []


def test_nobody_is_named_where_the_system_tells_nothing(path: Path) -> None:
    with another_process(path, exclusive=False):
        assert lock.holders(path, locks=path.with_name("no-such-file")) == []
    assert lock.holders(path.with_name("no-such-file")) == []


def test_one_waits_as_long_as_allowed_and_not_longer(path: Path) -> None:
    now = [0.0]
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += 1

    with another_process(path, exclusive=True):
        refusal(path, timeout_s=3, clock=lambda: now[0], pause=pause)
    assert pauses == [lock.PAUSE_S] * 3


def test_one_gets_the_lock_when_the_holder_lets_go(path: Path) -> None:
    with child(HOLD, path, True) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        holder.stdout.readline()
        stdin = holder.stdin

        def pause(_: float) -> None:
            stdin.close()
            holder.wait()

        with lock.held(path, exclusive=True, timeout_s=60, pause=pause):
            assert path.read_text().startswith(f"{os.getpid()} on ")
    assert path.read_bytes() == b""


def test_newcomers_wait_behind_a_writer_that_waits_for_readers(path: Path) -> None:
    with another_process(path, exclusive=False):
        turns: list[bool] = []
        with (
            pytest.raises(LedgerLocked),
            lock.held(
                path, exclusive=True, timeout_s=0.01, pause=lambda _: turns.append(is_free(path, exclusive=False))
            ),
        ):
            pass
        assert turns and not any(turns)
        assert is_free(path, exclusive=False)


def test_a_shared_homes_lock_can_be_taken_by_the_group(path: Path) -> None:
    with lock.held(path, exclusive=True, timeout_s=0, mode=0o660):
        assert path.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize("why", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_one_who_may_only_read_can_take_the_lock(path: Path, monkeypatch: pytest.MonkeyPatch, why: int) -> None:
    path.touch()
    path.with_suffix(".turn").touch()
    open_really = os.open

    def refuse_writing(
        name: Path, flags: int, mode: int = 0o777
    ) -> int:  # root, who may write everything, runs tests too
        if flags & os.O_RDWR:
            raise OSError(why, os.strerror(why), str(name))
        return open_really(name, flags, mode)

    monkeypatch.setattr(os, "open", refuse_writing)
    assert is_free(path, exclusive=False)
    path.unlink()
    with pytest.raises(MeterError, match=r"ledger\.lock is missing"), lock.held(path, exclusive=False, timeout_s=0):
        pass


def test_without_flock_duckdbs_own_lock_is_relied_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    assert lock._load() is None
    monkeypatch.setattr(lock, "fcntl", None)
    with lock.held(path, exclusive=True, timeout_s=0), lock.held(path, exclusive=True, timeout_s=0):
        assert not path.exists()

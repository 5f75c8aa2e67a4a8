"""What becomes of an error: one sentence and a hint on stderr, never a traceback unless it is asked for."""

from __future__ import annotations

import os
import sys
from types import TracebackType

from meter.errors import MeterError, unwritten

DEBUG = "--debug"


def say(message: str, hint: str | None = None) -> None:
    """Tell the user of an error."""
    print(f"Error: {message}", file=sys.stderr)
    if hint:
        print(f"Hint: {hint}", file=sys.stderr)


def expected() -> tuple[type[BaseException], ...]:
    """Return the errors that say enough by themselves; DuckDB's only where it is loaded."""
    duckdb = sys.modules.get("duckdb")
    return (MeterError, OSError, *((duckdb.Error,) if duckdb else ()))


def interruptions() -> tuple[type[BaseException], ...]:
    """Return what DuckDB raises on Ctrl-C: an error of its own, or a RuntimeError where it saw the signal itself."""
    duckdb = sys.modules.get("duckdb")
    return (RuntimeError, *((duckdb.InterruptException,) if duckdb else ()))


def is_interruption(error: BaseException) -> bool:
    """Tell Ctrl-C from the other RuntimeErrors."""
    return not isinstance(error, RuntimeError) or str(error) == "Query interrupted"


def sentence(error: BaseException) -> tuple[str, str | None]:
    """Return what happened, and what to do about it."""
    if isinstance(error, MeterError):
        return error.message, error.hint
    if isinstance(error, OSError):
        why = error.strerror or str(error)
        if error.filename is not None:
            return f"{error.filename}: {why}", "meter doctor says more about the home and its files"
        if not _takes_output():
            return f"what was printed could not be written: {why}", None
        return why, "look at where the output goes, and at the home (meter doctor)"
    if found := unwritten(error):
        path, why = found
        return (
            f"{path} cannot be written: {why}",
            "free room on its disk, then run it again; what was stored before is whole",
        )
    return " ".join(str(error).split("\n\n")[0].split()), None


def _takes_output() -> bool:
    """Tell whether stdout takes what is still to be written there; if not, nobody shall try that again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        silence_stdout()
        return False
    return True


def unexpected(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """Stand in for `sys.excepthook`."""
    say(f"{kind.__name__}: {error}", f"this is a fault in Meter; meter {DEBUG} … shows where")


def silence_stdout() -> int:
    """Let go of a pipe whose reader has seen enough, which is no error; what is flushed at exit must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0

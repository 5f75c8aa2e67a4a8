"""What Meter raises. Each error says what happened, with values, and what to do next.

MeterError
├── BudgetExceeded     a budget with action "block" is spent; the only one ever raised into a metered call
├── CatalogueInvalid   a catalogue of prices cannot be read, or must not replace the one that is known
├── ColdFileMissing    a file of months that were moved out of the ledger is not there
├── ExtraMissing       the read side is not installed
├── LedgerLocked       another process holds the ledger longer than one was ready to wait
├── LedgerMissing      nothing has been ingested yet
├── LedgerTooNew       the ledger was written by a newer Meter
├── PeriodClosed       a month that is closed would change
├── PriceMissing       no price is known
├── QueryInvalid       a .sql file's header, or a query, is wrong
├── SettingInvalid     a setting, or meter.toml, is wrong
└── SpoolUnsafe        the home lies where appends are not atomic, such as NFS
"""

from __future__ import annotations

import re

_UNWRITTEN = re.compile(r'Could not write file \\?"([^"\\]+)\\?": ([^"\n]+)')


class MeterError(Exception):
    """Something that the user can mend. `hint` is the next step, in one sentence."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BudgetExceeded(MeterError):
    """A budget with action "block" is spent: the call was not sent."""


class CatalogueInvalid(MeterError):
    """A catalogue of prices cannot be read, or must not replace the one that is known."""


class ColdFileMissing(MeterError):
    """A file of calls that were moved out of the ledger is not there, or is not the one that was written."""


class ExtraMissing(MeterError):
    """A part of Meter was asked for whose dependencies are not installed."""


class LedgerLocked(MeterError):
    """Another process holds the ledger."""


class LedgerMissing(MeterError):
    """There is no ledger yet."""


class LedgerTooNew(MeterError):
    """The ledger's schema is newer than this Meter knows."""


class PeriodClosed(MeterError):
    """A month that is closed would change."""


class PriceMissing(MeterError):
    """No price is known for a model."""


class QueryInvalid(MeterError):
    """A query or the header of its file is wrong."""


class SettingInvalid(MeterError):
    """A setting or a line of meter.toml is wrong."""


class SpoolUnsafe(MeterError):
    """The spool lies on a file system where its promises do not hold."""


def unwritten(error: BaseException) -> tuple[str, str] | None:
    """Return the file that DuckDB could not write, and why; None for any other error."""
    found = _UNWRITTEN.search(str(error))
    return (found[1], found[2].strip()) if found else None

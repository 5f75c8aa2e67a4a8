"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "wrong"]
"""`note`: worth knowing, nothing to mend at once. `wrong`: money may be missing, so `meter doctor` exits with 1."""


@dataclass(frozen=True)
class Finding:
    """One row of the doctor: what was looked at, how it is, and how to mend it."""

    subject: str
    state: State
    detail: str
    mend: str | None = None


def ok(subject: str, detail: str) -> Finding:
    """Return a finding that is well."""
    return Finding(subject, "ok", detail)


def note(subject: str, detail: str, mend: str | None = None) -> Finding:
    """Return a finding worth knowing."""
    return Finding(subject, "note", detail, mend)


def wrong(subject: str, detail: str, mend: str) -> Finding:
    """Return a fault, with its mend."""
    return Finding(subject, "wrong", detail, mend)

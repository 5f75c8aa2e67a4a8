"""Moving a month, taking it back and compaction killed after any step: nothing is lost, nothing is there twice."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from meter.ledger import Ledger, exporting
from meter.ledger.compaction import compact
from tests.ledger.conftest import laid_out, ledger
from tests.ledger.months import facts, filled
from tests.ledger.records import child, rows, value

__all__ = ["laid_out", "ledger"]

MOVE: tuple[str, ...] = ("begun", "written", "verified", "renamed", "moved", "folded")
RETURN: tuple[str, ...] = ("verified", "returned", "swept")
COMPACT: tuple[str, ...] = ("copied", "verified", "written", "renamed")

WORK = """
import os, sys
from datetime import date
from pathlib import Path
from meter.home import Home
from meter.ledger import Ledger, exporting
from meter.ledger.compaction import compact

home, work, fatal, nth = Home(Path(sys.argv[1])), sys.argv[2], sys.argv[3], int(sys.argv[4])

def step(name):
    global nth
    nth -= name == fatal
    if nth == 0:
        os.kill(os.getpid(), 9)

if work == "move":
    list(exporting.move_out(Ledger(home), home.path / "cold", date(2026, 1, 1), step=step))
elif work == "return":
    exporting.bring_back(Ledger(home), date(2025, 11, 1), step=step)
else:
    compact(Ledger(home), step=step)
"""


def killed(ledger: Ledger, work: str, step: str, nth: int = 1) -> None:
    process = child(WORK, ledger.home.path, work, step, nth)
    process.communicate()
    assert process.returncode == -9


def files(ledger: Ledger) -> list[str]:
    return sorted(path.name for path in (ledger.home.path / "cold").iterdir())


def registered(ledger: Ledger) -> list[Any]:
    return rows(ledger, "SELECT parse_filename(path), state FROM ledger.cold_months ORDER BY 1")


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("step", MOVE)
def test_a_month_that_was_being_moved_is_in_one_place(ledger: Ledger, step: str, nth: int) -> None:
    filled(ledger)
    before = facts(ledger)
    killed(ledger, "move", step, nth)
    assert facts(ledger) == before
    list(exporting.move_out(ledger, ledger.home.path / "cold", date(2026, 1, 1)))
    assert facts(ledger) == before
    assert value(ledger, "SELECT count(*) FROM ledger.calls") == 6
    assert registered(ledger) == [(name, "cold") for name in files(ledger)]
    assert len(files(ledger)) == 2


@pytest.mark.parametrize("step", RETURN)
def test_a_month_that_was_being_taken_back_is_in_one_place(ledger: Ledger, step: str) -> None:
    filled(ledger)
    before = facts(ledger)
    list(exporting.move_out(ledger, ledger.home.path / "cold", date(2026, 1, 1)))
    killed(ledger, "return", step)
    assert facts(ledger) == before
    if step == "verified":
        exporting.bring_back(ledger, date(2025, 11, 1))
    else:
        exporting.bring_back(ledger, date(2025, 12, 1))
    assert facts(ledger) == before
    assert len(files(ledger)) == (1 if step == "verified" else 0)
    assert registered(ledger) == [(name, "cold") for name in files(ledger)]


@pytest.mark.parametrize("step", COMPACT)
def test_a_compaction_that_was_killed_left_one_whole_file(ledger: Ledger, step: str) -> None:
    filled(ledger)
    list(exporting.move_out(ledger, ledger.home.path / "cold", date(2025, 12, 1)))
    before = facts(ledger)
    killed(ledger, "compact", step)
    assert facts(ledger) == before
    compact(ledger)
    assert facts(ledger) == before
    assert not list(ledger.home.path.glob("*.compact*"))


def test_the_steps_above_are_all_there_are(ledger: Ledger) -> None:
    filled(ledger)
    steps: dict[str, list[str]] = {"move": [], "return": [], "compact": []}
    list(exporting.move_out(ledger, ledger.home.path / "cold", date(2025, 12, 1), step=steps["move"].append))
    exporting.bring_back(ledger, date(2025, 11, 1), step=steps["return"].append)
    compact(ledger, step=steps["compact"].append)
    assert steps == {"move": list(MOVE), "return": list(RETURN), "compact": list(COMPACT)}

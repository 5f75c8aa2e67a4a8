"""The ingest killed between any two of its steps: the next one loses nothing and doubles nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from meter.ledger import Ledger, ingest, migrate
from tests.ledger.books import assert_days_tie
from tests.ledger.conftest import laid_out, ledger
from tests.ledger.records import call, child, counts, outcome, process, rows, segment, value

__all__ = ["laid_out", "ledger"]

STEPS: tuple[str, ...] = ("opened", "read", "deduplicated", "tagged", "priced", "inserted")
STEPS += ("buried", "noted", "committed", "deleted", "closed")

INGEST = """
import os, sys
from pathlib import Path
from meter.home import Home
from meter.ledger import Ledger, ingest, ingestion

ingestion.HOLD_S, ingestion.BATCH_BYTES = 0, 1  # a batch for each segment, and the ledger let go of after each
fatal, nth = sys.argv[2], int(sys.argv[3])

def step(name):
    global nth
    nth -= name == fatal
    if nth == 0:
        os._exit(9)

done = ingest(Ledger(Home(Path(sys.argv[1]))), step=step)
print(done.lines, flush=True)
"""


@pytest.fixture
def waiting(ledger: Ledger) -> Ledger:
    """A ledger with two segments to read: 4 calls, 2 outcomes, 2 processes and 2 letters."""
    for n in range(2):
        segment(ledger.home, process(), call(), outcome(), b"{torn", call(tags={"team": f"team-{n}"}))
    return ledger


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_an_ingest_killed_after_any_step_loses_and_doubles_nothing(waiting: Ledger, step: str, nth: int) -> None:
    killed = child(INGEST, waiting.home.path, step, nth)
    killed.communicate()
    assert killed.returncode == 9
    done = ingest(waiting)
    assert counts(waiting) == {"calls": 4, "outcomes": 2, "processes": 2, "dead_letters": 2}
    assert value(waiting, "SELECT lines FROM ledger.ingested") == 10
    assert value(waiting, "SELECT count(*) FROM ledger.tag_sets") == 3
    assert value(waiting, "SELECT count(*) FROM ledger.checkpoints") == 2
    assert done.duplicates == 0  # rows and checkpoint are one transaction: what is committed is not even read again
    assert list(waiting.home.spool.iterdir()) == []
    assert_days_tie(waiting)


def test_the_steps_above_are_all_there_are(waiting: Ledger) -> None:
    steps: list[str] = []
    ingest(waiting, step=steps.append)
    assert tuple(dict.fromkeys(steps)) == STEPS


def test_a_ledger_whose_first_opening_was_killed_is_laid_out_by_the_next(tmp_path: Path) -> None:
    from meter.home import Home, ensure

    home = Home(tmp_path / "home")
    ensure(home)
    segment(home, call())
    killed = child(LAY_OUT_AND_DIE, home.path)
    killed.communicate()
    assert killed.returncode == 9
    assert ingest(Ledger(home)).calls == 1
    newest = migrate.known()[-1].version
    assert rows(Ledger(home), "SELECT count(*), count(DISTINCT version) FROM ledger.migrations") == [(newest, newest)]


LAY_OUT_AND_DIE = """
import os, sys
from pathlib import Path
from meter.home import Home
from meter.ledger import Ledger, migrate
migrate.views.install = lambda con: os._exit(9)
with Ledger(Home(Path(sys.argv[1]))).writing():
    pass
"""


def test_two_ingests_at_once_share_the_work_and_double_nothing(ledger: Ledger) -> None:
    calls = 0
    for n in range(12):
        segment(ledger.home, *(call() for _ in range(n)), b"{torn")
        calls += n
    both = [child(INGEST, ledger.home.path, "none", 1) for _ in range(2)]
    lines = [int(process.communicate()[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(lines) == calls + 12
    assert counts(ledger) == {"calls": calls, "outcomes": 0, "processes": 0, "dead_letters": 12}
    assert list(ledger.home.spool.iterdir()) == []


WRITE = """
import sys
from pathlib import Path
sys.path.insert(0, ".")
from meter.spool import Writer
from tests.ledger.records import call
writer = Writer(Path(sys.argv[1]), segment_bytes=20_000)
print("writing", flush=True)
for n in range(int(sys.argv[2])):
    assert writer.append(call(tags={"n": str(n % 7)}))
writer.close()
"""


def test_ingesting_while_services_write_misses_nothing(ledger: Ledger) -> None:
    writers = [child(WRITE, ledger.home.spool, 400) for _ in range(2)]
    try:
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        while any(writer.poll() is None for writer in writers):
            ingest(ledger)
    finally:
        for writer in writers:
            writer.communicate()
    ingest(ledger)
    assert counts(ledger) == {"calls": 800, "outcomes": 0, "processes": 0, "dead_letters": 0}
    assert value(ledger, "SELECT duplicates FROM ledger.ingested") == 0
    assert list(ledger.home.spool.iterdir()) == []

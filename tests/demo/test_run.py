from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meter import settings
from meter.demo import FLEET, STAGES, DemoResult, Member, Step, next_steps, run_demo
from meter.errors import MeterError
from meter.home import Home
from meter.ledger import Ledger

pytestmark = pytest.mark.xdist_group("demo")  # the demo is run once for all of them

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=timezone.utc)
SMALL = (
    Member("search-api", "search", "CC-210", (Step("responses_stream", "gpt-5.6-luna", 3, "answers"),)),
    Member("notebooks", None, "", (Step("chat", "gpt-4.1", 2), Step("chat", "gpt-4.1", 1, fault="bad-request"))),
)
CALLS = 4_000


@pytest.fixture(scope="module")
def heard() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, heard: list[tuple[str, int, int]]) -> DemoResult:
    folder = tmp_path_factory.mktemp("demo") / "home"
    return run_demo(folder, progress=lambda *what: heard.append(what), processes=SMALL, calls=CALLS, now=NOW)


@pytest.fixture
def ask(result: DemoResult) -> Iterator[Any]:
    with Ledger(Home(result.home)).reading() as connection:
        yield lambda statement: connection.execute(statement).fetchall()


def test_all_that_was_written_is_in_the_ledger(result: DemoResult, ask: Any) -> None:
    assert result.fleet_calls == 6
    assert ask("SELECT count(*) FROM calls") == [(result.history.calls + result.fleet_calls,)]
    assert ask("SELECT count(*) FROM outcomes") == [(result.history.outcomes,)]
    assert (result.ingested.calls, result.ingested.outcomes) == (result.history.calls + 6, result.history.outcomes)
    assert (result.ingested.dead_letters, result.ingested.duplicates, result.ingested.lag_bytes) == (0, 0, 0)


def test_synthetic_calls_are_told_from_real_ones(result: DemoResult, ask: Any) -> None:
    assert ask("SELECT count(*) FROM calls WHERE host LIKE 'synthetic-%'") == [(result.history.calls,)]
    assert ask("SELECT count(*) FROM calls WHERE host NOT LIKE 'synthetic-%' AND tags['synthetic'] IS NOT NULL") == [
        (0,)
    ]
    unlabelled = "host LIKE 'synthetic-%' AND cardinality(tags) > 0 AND tags['synthetic'] IS DISTINCT FROM 'demo'"
    assert ask(f"SELECT count(*) FROM calls WHERE {unlabelled}") == [(0,)]


def test_each_price_status_that_is_promised_is_there(ask: Any) -> None:
    found = dict(ask("SELECT price_status, count(*) FROM calls GROUP BY ALL"))
    assert found["priced"] > CALLS * 0.9
    assert found["no_usage"] > 10
    assert ask("SELECT DISTINCT response_model FROM calls WHERE price_status = 'unpriced'") == [("acme-lab-70b",)]
    assert "partial" not in found


def test_untagged_calls_outcomes_and_cut_streams_are_there(result: DemoResult, ask: Any) -> None:
    assert ask("SELECT DISTINCT service FROM calls WHERE coalesce(cardinality(tags), 0) = 0") == [("notebooks",)]
    assert ask("SELECT count(DISTINCT name) FROM outcomes")[0][0] >= 5
    assert ask("SELECT count(*) FROM calls WHERE status = 'aborted'")[0][0] > 10
    assert ask("SELECT count(*) FROM calls WHERE status = 'error'")[0][0] > 10


@pytest.mark.parametrize(
    ("model", "day", "usage_class"),
    [("gpt-5.6-luna", "2026-07-30", "output"), ("mistral-medium-latest", "2026-06-16", "input")],
)
def test_a_price_changes_inside_the_history(ask: Any, model: str, day: str, usage_class: str) -> None:
    rows = ask(
        f"SELECT calls.started_at >= TIMESTAMPTZ '{day} 00:00:00+00' AS after, list(DISTINCT unit_price) FROM charges"
        f" JOIN calls USING (call_id) WHERE calls.response_model = '{model}' AND usage_class = '{usage_class}'"
        " AND quantity > 0 GROUP BY ALL ORDER BY after"
    )
    (_, before), (_, after) = rows
    assert (len(before), len(after)) == (1, 1)
    assert before != after


def test_thirteen_whole_months_and_the_current_one_have_spend(ask: Any) -> None:
    months = ask(
        "SELECT strftime(started_at, '%Y-%m') AS month, sum(effective_cost) FROM calls GROUP BY ALL ORDER BY ALL"
    )
    assert (len(months), months[0][0], months[-1][0]) == (14, "2025-10", "2026-11")
    assert all(isinstance(cost, Decimal) and cost > 0 for _, cost in months)


def test_the_result_shows_spend_by_team_and_model_and_what_is_known(result: DemoResult) -> None:
    assert list(result.spend.columns)[:2] == ["team", "model"]
    rows = list(result.spend.rows)
    teams = {row[0] for row in rows}
    assert {"search", "support", "platform", "(untagged)"} <= teams
    coverage = dict(zip(result.coverage.columns, next(iter(result.coverage.rows)), strict=True))
    assert coverage["calls"] == result.known.calls == result.history.calls + result.fleet_calls
    assert coverage["unpriced_calls"] == result.known.unpriced > 0
    assert coverage["untagged_calls"] > 0
    assert set(result.known.costs) == {"USD"}


def test_progress_hears_of_every_stage_to_its_end(result: DemoResult, heard: list[tuple[str, int, int]]) -> None:
    assert tuple(dict.fromkeys(stage for stage, _, _ in heard)) == STAGES
    for stage in STAGES:
        done = [(done, total) for name, done, total in heard if name == stage]
        assert done == sorted(done)
        assert done[-1][0] == done[-1][1] > 0


def test_a_second_run_does_not_double_and_fewer_processes_are_the_first_of_the_fleet(tmp_path: Path) -> None:
    run_demo(tmp_path / "home", processes=0, calls=300, now=NOW)
    again = run_demo(tmp_path / "home", processes=1, calls=300, now=NOW)
    assert (again.processes, again.fleet_calls) == (1, FLEET[0].calls)
    with Ledger(Home(again.home)).reading() as connection:
        assert connection.execute("SELECT count(*) FROM calls").fetchone() == (again.history.calls + again.fleet_calls,)


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "meter.duckdb").write_text("mine")
    with pytest.raises(MeterError, match="is in use, and not by a demo"):
        run_demo(tmp_path, processes=0, calls=1)
    assert [path.name for path in tmp_path.iterdir()] == ["meter.duckdb"]


def test_the_users_own_settings_lead_nowhere_else_and_stand_again_afterwards(tmp_path: Path) -> None:
    settings.configure(home=str(tmp_path / "own"), store=str(tmp_path / "own.duckdb"))
    made = run_demo(tmp_path / "demo", processes=0, calls=50, now=NOW)
    assert made.ingested.calls == made.history.calls
    assert (settings.get().home, settings.get().store) == (str(tmp_path / "own"), str(tmp_path / "own.duckdb"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo"]


def test_each_next_step_prints_something_when_pasted(result: DemoResult) -> None:
    assert len(result.next_steps) == 3
    for line in result.next_steps:
        assert line.startswith(f"METER_HOME={result.home} ")
        printed = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
        assert printed.returncode == 0, printed.stderr
        assert len(printed.stdout.splitlines()) >= 3


def test_next_steps_name_a_home_with_spaces_and_override_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METER_STORE", "elsewhere.duckdb")
    settings.reset()
    for line in next_steps(tmp_path / "a demo"):
        assert line.startswith(f"METER_HOME='{tmp_path}/a demo' METER_STORE= ")


def test_the_fleets_processes_do_not_load_the_read_side() -> None:
    probe = "import sys, meter.demo.worker; print(*(name for name in ('duckdb', 'genai_prices', 'rich') if name in sys.modules))"
    printed = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert re.sub(r"\s", "", printed.stdout) == ""

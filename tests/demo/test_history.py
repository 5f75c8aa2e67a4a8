from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta, timezone
from itertools import chain
from pathlib import Path

import pytest

from meter import event, names
from meter.demo import history
from meter.demo.workloads import WORKLOADS
from meter.home import Home
from tests.conftest import lines_of

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=timezone.utc)
SIZE = 6_000


@pytest.fixture(scope="module")
def records() -> list[event.Call | event.Outcome]:
    return list(chain.from_iterable(day for _, day in history.lines(now=NOW, calls=SIZE, seed=7)))


@pytest.fixture(scope="module")
def calls(records: list[event.Call | event.Outcome]) -> list[event.Call]:
    return [record for record in records if isinstance(record, event.Call)]


def when(record: event.Call | event.Outcome) -> datetime:
    return datetime.fromtimestamp(record.ts / 1e6, timezone.utc)


def test_the_history_has_the_size_asked_for_and_covers_thirteen_whole_months(calls: list[event.Call]) -> None:
    assert abs(len(calls) - SIZE) < SIZE * 0.03
    months = sorted({f"{when(call):%Y-%m}" for call in calls})
    assert (len(months), months[0], months[-1]) == (14, "2025-10", "2026-11")
    assert max(map(when, calls)) < NOW


@pytest.mark.parametrize(
    ("now", "first"), [("2026-01-31", "2024-12-01"), ("2026-02-28", "2025-01-01"), ("2024-02-29", "2023-01-01")]
)
def test_the_history_begins_on_the_first_of_a_month(now: str, first: str) -> None:
    assert history.first_day(datetime.fromisoformat(now)) == date.fromisoformat(first)


def test_every_line_can_be_read_and_every_id_is_its_own(records: list[event.Call | event.Outcome]) -> None:
    assert all(event.decode(event.encode(record)) == record for record in records)
    assert len({record.id for record in records}) == len(records)
    assert all(len(record.id) == 32 and int(record.id[:12], 16) == record.ts // 1000 for record in records)


def test_the_same_seed_gives_the_same_lines_and_another_others() -> None:
    def lines(seed: int) -> list[bytes]:
        return [event.encode(record) for _, day in history.lines(now=NOW, calls=500, seed=seed) for record in day]

    first = lines(1)
    assert lines(1) == first
    assert not set(lines(2)) & set(first)


def test_every_line_is_labelled_and_untagged_calls_stay_untagged(records: list[event.Call | event.Outcome]) -> None:
    assert all((record.host or "").startswith("synthetic-") for record in records)
    assert all(record.tags["synthetic"] == "demo" for record in records if record.tags)
    untagged = [record for record in records if not record.tags]
    assert {record.service for record in untagged} == {"notebooks"}
    assert 0.01 < len(untagged) / len(records) < 0.06


def test_usage_classes_are_metered_ones_and_never_negative(calls: list[event.Call]) -> None:
    known = {usage_class.name for usage_class in names.CLASSES}
    for call in calls:
        for name, count in (call.usage or {}).items():
            assert name in known
            assert isinstance(count, int)
            assert 0 <= count < 10_000_000


def test_failed_calls_have_no_usage_and_cut_streams_no_invented_output(calls: list[event.Call]) -> None:
    by_status = Counter(call.status for call in calls)
    assert by_status["error"] > 20
    assert by_status["aborted"] > 20
    for call in calls:
        if call.status == "error":
            assert (call.usage, call.source) == (None, "missing")
            assert call.error
        elif call.status == "aborted":
            assert "output" not in (call.usage or {})
            assert call.source == ("partial" if call.usage else "missing")
            assert call.sent_chars
        else:
            assert call.usage
            assert call.source == "reported"


def test_outcomes_follow_successful_calls_and_share_their_tags(records: list[event.Call | event.Outcome]) -> None:
    outcomes = [record for record in records if isinstance(record, event.Outcome)]
    assert {outcome.name for outcome in outcomes} == {load.worth.name for load in WORKLOADS if load.worth}
    tags = {tuple(sorted((call.tags or {}).items())) for call in records if isinstance(call, event.Call)}
    assert all(tuple(sorted((outcome.tags or {}).items())) in tags for outcome in outcomes)
    assert all(outcome.currency == "USD" and outcome.value for outcome in outcomes)


def test_office_hours_weekends_and_growth_show(calls: list[event.Call]) -> None:
    review = [call for call in calls if call.service == "code-review"]
    weekend = sum(when(call).weekday() >= 5 for call in review)
    assert weekend / len(review) < 0.1
    assert all(6 <= when(call).hour <= 20 for call in review)
    months = Counter(f"{when(call):%Y-%m}" for call in calls)
    assert months["2026-10"] > months["2025-10"] * 1.3


def test_models_follow_each_other_as_the_table_says(calls: list[event.Call]) -> None:
    search = {
        (call.request_model, when(call).date() >= date(2026, 7, 6)) for call in calls if call.service == "search-api"
    }
    assert search == {("gpt-5-mini", False), ("gpt-5.6-luna", True)}
    assert {call.response_model for call in calls if call.request_model == "gpt-5-mini"} == {"gpt-5-mini-2025-08-07"}


def test_the_shares_of_the_workloads_add_up_to_one() -> None:
    assert round(sum(load.calls for load in WORKLOADS), 9) == 1


def test_it_is_written_as_ordinary_spool_lines_and_progress_counts_the_days(home: Home, tmp_path: Path) -> None:
    home.spool.mkdir(parents=True)
    seen: list[tuple[int, int]] = []
    made = history.write(
        home.spool, now=NOW, calls=300, seed=7, progress=lambda done, total: seen.append((done, total))
    )
    kinds = Counter(type(event.decode(line)).__name__ for line in lines_of(home))
    assert kinds == {"Call": made.calls, "Outcome": made.outcomes, "Process": 1}
    assert made.calls > 250
    days = (made.last_day - made.first_day) // timedelta(days=1) + 1
    assert seen == [(done, days) for done in range(1, days + 1)]

"""Calls summed by day: kept by everything that changes calls, in the time zone in force, and never other than the calls say."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meter.errors import ColdFileMissing
from meter.home import Home, ensure
from meter.ledger import Ledger, days, exporting, ingest
from meter.report import run
from meter.report.period import Period
from tests.ledger import books
from tests.ledger.months import at, filled
from tests.ledger.records import call, outcome, rows, segment, value

FIRST = datetime(2025, 11, 1, tzinfo=timezone.utc)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/Havana", "Pacific/Apia")
RATES = """[currencies]
rates = [{ from = "USD", to = "EUR", date = 2025-11-10, rate = "0.91", source = "a test" }]
"""
FIGURES = ", ".join(
    f"sum({name})"
    for name in ("calls", "input_tokens", "output_tokens", "list_cost", "contracted_cost", "effective_cost")
)
KEYS = "day, service, provider, request_model, response_model, currency, list_currency, price_status"


def zoned(ledger: Ledger, zone: str, more: str = "") -> None:
    ledger.home.config.write_text(f"{more}\n[period]\ntimezone = '{zone}'\n", "utf-8")


def test_batches_add_to_the_days_they_meet(ledger: Ledger) -> None:
    lines = filled(ledger)
    books.assert_days_tie(ledger)
    before = value(ledger, "SELECT count(*) FROM ledger.days")
    segment(ledger.home, *lines, call(at("2025-12-01T23:00:00")), call(at("2025-12-24T18:00:00"), tags=None))
    assert ingest(ledger).duplicates == len(lines)
    books.assert_days_tie(ledger)
    assert value(ledger, "SELECT count(*) FROM ledger.days") == before + 1  # the other day was there
    segment(ledger.home, call(at("2025-12-01T23:30:00")))
    ingest(ledger)
    books.assert_days_tie(ledger)
    assert value(ledger, "SELECT count(*) FROM ledger.days") == before + 1
    assert rows(ledger, "SELECT calls, effective_cost FROM spend_daily WHERE day = '2025-12-24'") == [
        (1, Decimal("0.00024"))
    ]


def test_a_batch_without_calls_changes_nothing(ledger: Ledger) -> None:
    segment(ledger.home, outcome(at("2025-12-24T18:00:00")))
    ingest(ledger)
    books.assert_days_tie(ledger)
    assert rows(ledger, "FROM ledger.days") == []


def test_what_is_unknown_stays_unknown_until_something_is_known(ledger: Ledger) -> None:
    unknown = {"usage": None, "source": "missing", "status": "error"}
    for usage in (None, None, {"input": 3}):
        segment(ledger.home, call(at("2025-12-24T18:00:00"), **{**unknown, "usage": usage}))
        ingest(ledger)
    found = rows(ledger, "SELECT sum(input_tokens), sum(output_tokens) FROM spend_daily")
    assert found == [(3, None)]
    books.assert_days_tie(ledger)


@pytest.mark.parametrize("zone", ZONES)
def test_another_time_zone_sums_up_anew(ledger: Ledger, zone: str) -> None:
    filled(ledger)
    zoned(ledger, zone)
    books.assert_days_tie(ledger)
    assert value(ledger, "SELECT zone FROM ledger.days_kept") == zone
    segment(ledger.home, call(at("2025-11-30T23:30:00")))
    ingest(ledger)
    books.assert_days_tie(ledger)


def test_a_session_in_another_time_zone_gets_the_days_of_its_own(ledger: Ledger) -> None:
    filled(ledger)
    asked = "SELECT day, sum(calls) FROM spend_daily GROUP BY day ORDER BY day"
    with ledger.reading() as con:
        con.execute("SET TimeZone = 'Asia/Tokyo'")
        found = con.execute(asked).fetchall()
        direct = (
            "SELECT (started_at AT TIME ZONE 'Asia/Tokyo')::DATE AS day, count(*) FROM calls GROUP BY day ORDER BY day"
        )
        assert found == con.execute(direct).fetchall()
        con.execute("SET TimeZone = 'UTC'")
        assert con.execute(asked).fetchall() != found


def test_months_that_move_out_and_back_change_no_day(ledger: Ledger) -> None:
    filled(ledger)
    before = rows(ledger, "FROM ledger.days ORDER BY ALL")
    assert len(list(exporting.move_out(ledger, ledger.home.path / "cold", date(2026, 1, 1)))) == 2
    books.assert_days_tie(ledger)
    exporting.bring_back(ledger, date(2025, 11, 1))
    books.assert_days_tie(ledger)
    assert rows(ledger, "FROM ledger.days ORDER BY ALL") == before


def test_a_month_that_is_given_up_leaves_its_days(ledger: Ledger) -> None:
    filled(ledger)
    november, _ = exporting.move_out(ledger, ledger.home.path / "cold", date(2026, 1, 1))
    november.path.unlink()
    exporting.forget(ledger, november.month)
    assert value(ledger, "SELECT min(day) FROM spend_daily") == date(2025, 12, 1)
    books.assert_days_tie(ledger)


def test_days_cannot_be_summed_up_without_a_file_and_are_once_it_is_back(ledger: Ledger) -> None:
    filled(ledger)
    moved = list(exporting.move_out(ledger, ledger.home.path / "cold", date(2026, 1, 1)))
    away = moved[0].path.with_suffix(".away")
    moved[0].path.rename(away)
    zoned(ledger, "Asia/Tokyo")
    segment(ledger.home, call(at("2026-01-30T23:30:00")))
    ingest(ledger)  # goes on: the calls are of another month
    with pytest.raises(ColdFileMissing):
        rows(ledger, "FROM spend_daily")
    away.rename(moved[0].path)
    books.assert_days_tie(ledger)
    assert value(ledger, "SELECT sum(calls) FROM spend_daily") == 19


def test_days_follow_a_revision_and_no_other_month_is_summed_up_anew(ledger: Ledger) -> None:
    filled(ledger)
    books.multiply(ledger, 2)
    with ledger.writing() as con:
        con.execute("UPDATE ledger.days SET calls = 1000 WHERE day = '2026-01-01'")
    revision = books.reprice(ledger, books.NOVEMBER)
    assert revision is not None and revision.calls
    found = "SELECT sum(calls), sum(effective_cost) FROM {} WHERE day < '2026-01-01' AND currency = 'USD'"
    assert rows(ledger, found.format("spend_daily")) == rows(
        ledger, found.format("ledger.call_days('ledger.all_calls')")
    )
    assert value(ledger, "SELECT sum(calls) FROM ledger.days WHERE day = '2026-01-01'") == 1000


def test_a_ledger_from_before_is_summed_up_when_it_is_opened(ledger: Ledger) -> None:
    filled(ledger)
    with ledger.writing() as con:
        con.execute("DELETE FROM ledger.days; DELETE FROM ledger.days_kept")
        days.keep(con)
    books.assert_days_tie(ledger)


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Calls at and around midnights of every zone, of two currencies, priced and not."""
    ledger = Ledger(Home(tmp_path_factory.mktemp("days")))
    ensure(ledger.home)
    zoned(ledger, "UTC", RATES)
    moments = [
        int((FIRST + timedelta(hours=h, microseconds=d)).timestamp() * 1e6)
        for h in range(0, 480, 7)
        for d in (-1, 0, 1)
    ]
    kinds: list[dict[str, Any]] = [
        {},
        {"request_model": "nobody-knows-it", "response_model": "nobody-knows-it"},
        {"provider": "gateway", "reported_cost": "0.123456789012", "reported_currency": "EUR", "response_model": "x"},
        {"usage": {"input": 2, "web_searches": 2}, "service": "shop", "tags": None},
    ]
    filled_with = [call(moment, **kinds[n % len(kinds)]) for n, moment in enumerate(moments)]
    books.filled(ledger, *filled_with)
    return ledger


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(ZONES),
    hours=st.tuples(st.integers(-30, 510), st.integers(-30, 510)),
    shift=st.sampled_from([timedelta(0), timedelta(minutes=30), timedelta(microseconds=1), -timedelta(microseconds=1)]),
    target=st.sampled_from([None, "EUR", "usd"]),
)
def test_a_period_by_days_and_rests_is_what_its_calls_say(
    varied: Ledger, zone: str, hours: tuple[int, int], shift: timedelta, target: str | None
) -> None:
    zoned(varied, zone, RATES)
    since, until = (FIRST + timedelta(hours=hour) + shift for hour in hours)
    values = {"target": target, "since": since, "until": until}
    with varied.reading() as con:
        assert days.are_kept(con)
        by_days = con.execute(
            f"SELECT {KEYS}, {FIGURES} FROM spend_between($target, $since, $until) GROUP BY ALL ORDER BY ALL", values
        ).fetchall()
        by_calls = con.execute(
            f"""SELECT {KEYS}, {FIGURES}
            FROM (SELECT *, 1 AS calls, (started_at AT TIME ZONE current_setting('TimeZone'))::DATE AS day FROM calls_in($target))
            WHERE started_at >= $since AND started_at < $until GROUP BY ALL ORDER BY ALL""",
            values,
        ).fetchall()
    assert by_days == by_calls


@pytest.mark.parametrize("bounds", [("-infinity", "infinity"), ("-infinity", "2025-11-05"), ("2025-11-05", "infinity")])
def test_a_period_may_be_without_end(varied: Ledger, bounds: tuple[str, str]) -> None:
    with varied.reading() as con:
        found = con.execute(
            f"SELECT sum(calls) FROM spend_between(NULL, '{bounds[0]}'::TIMESTAMPTZ, '{bounds[1]}'::TIMESTAMPTZ)"
        ).fetchall()
        assert (
            found
            == con.execute(
                f"SELECT count(*) FROM calls WHERE started_at >= '{bounds[0]}' AND started_at < '{bounds[1]}'"
            ).fetchall()
        )


@pytest.mark.parametrize(
    "asked",
    [
        "FROM spend_daily",
        "FROM coverage",
        "FROM spend_between('EUR', '-infinity'::TIMESTAMPTZ, 'infinity'::TIMESTAMPTZ)",
    ],
)
def test_what_days_are_for_reads_no_call(varied: Ledger, asked: str) -> None:
    zoned(varied, "Europe/Berlin", RATES)
    with varied.reading() as con:
        plan = con.execute(f"EXPLAIN {asked}").fetchall()[0][1]
        assert "days" in plan
        assert "ledger.calls" not in plan
        con.execute("SET TimeZone = 'UTC'")
        assert "ledger.calls" in con.execute(f"EXPLAIN {asked}").fetchall()[0][1]


@pytest.mark.parametrize("target", [None, "EUR"])
def test_spend_by_what_days_know_is_spend_by_anything_else(varied: Ledger, target: str | None) -> None:
    """Grouped by a column that days do not have and added up again, it comes to the same."""
    zoned(varied, "Asia/Kolkata", RATES)
    period = Period(FIRST + timedelta(hours=31), FIRST + timedelta(hours=300), "a while")
    with varied.reading() as con:
        by_days, by_calls = (run.spend(con, period, by, target) for by in (["model", "day"], ["model", "day", "host"]))
        wanted = {tuple(row[:3]): row[3:] for row in by_days.rows}
        added: dict[tuple[Any, ...], list[Any]] = {}
        for model, day, _, *figures in by_calls.rows:
            key = (model, day, figures[0])
            assert key not in added
            added[key] = figures[1:]
    assert wanted == added
    assert len(wanted) > 20


def test_who_may_not_write_gets_an_error_and_no_wrong_figure_while_days_are_not_summed_up(ledger: Ledger) -> None:
    filled(ledger)
    november, _ = exporting.move_out(ledger, ledger.home.path / "cold", date(2026, 1, 1))
    away = november.path.with_suffix(".away")
    november.path.rename(away)
    zoned(ledger, "Asia/Tokyo")
    with ledger.writing():
        pass
    away.rename(november.path)
    zoned(ledger, "UTC")
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{ledger.home.ledger}' AS meter (READ_ONLY); USE meter")
        with pytest.raises(duckdb.Error, match="meter ingest"):
            con.execute("SELECT sum(calls) FROM spend_daily").fetchall()
    books.assert_days_tie(ledger)

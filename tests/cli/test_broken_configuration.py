"""A meter.toml that is broken in any way stops no ingest, changes no price, and is told by every command until it is mended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

import meter
from meter.home import Home, ensure
from meter.ledger import Ledger
from tests.cli.running import objects, run
from tests.ledger.books import assert_days_tie

SOUND = '[period]\ntimezone = "Asia/Tokyo"\n\n[contracts.acme]\nprovider = "anthropic"\nmultiplier = "0.8"\n'
HALF = SOUND[: len(SOUND) // 2]
MOMENT = datetime(2026, 10, 15, 20, tzinfo=timezone.utc)
"""The 16th in Tokyo."""


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "half-written": (lambda path: path.write_text(HALF), "(at end of document)"),
    "not text": (lambda path: path.write_bytes(b"\xff\xfe"), "codec can't decode byte 0xff"),
    "a directory": (directory, "Is a directory"),
    "a key twice": (lambda path: path.write_text(SOUND + 'multiplier = "0.7"\n'), "Cannot overwrite a value"),
    "no such zone": (lambda path: path.write_text(SOUND.replace("Tokyo", "Tokio")), "'Asia/Tokio' is no time zone"),
    "no such key": (lambda path: path.write_text(SOUND + "discount = 1\n"), "there is no key 'discount'"),
}


def recorded() -> None:
    meter.record(provider="anthropic", model="claude-sonnet-4-5", usage={"input": 100_000}, started_at=MOMENT)


@pytest.mark.parametrize("how", BROKEN)
def test_it_stops_no_ingest_changes_no_price_and_is_told_until_it_is_mended(home: Home, how: str) -> None:
    spoil, fault = BROKEN[how]
    ensure(home)
    home.config.write_text(SOUND)
    recorded()
    assert run("ingest").code == 0
    spoil(home.config)
    recorded()
    for words in (["ingest"], ["ingest"], ["agent", "--once"]):  # the latter two find nothing to ingest
        done = run(*words)
        assert (done.code, fault in done.err) == (3, True), done.err
        assert "Until then what its last sound version said holds" in done.err
    asked = run(
        "sql",
        "SELECT day, sum(calls) AS n, sum(contracted_cost) AS c FROM spend_daily GROUP BY day",
        "--format",
        "json",
    )
    assert objects(asked.out) == [{"day": "2026-10-16", "n": 2, "c": "0.48"}]
    assert fault in asked.err
    assert run("status").code == 0
    assert_days_tie(Ledger(home))


@pytest.mark.parametrize("how", ["half-written", "no such zone"])
def test_what_goes_by_months_waits_for_the_mend(home: Home, how: str) -> None:
    """In a time zone that is only remembered, a month could end elsewhere than its owner means."""
    ensure(home)
    home.config.write_text(SOUND)
    recorded()
    assert run("ingest").code == 0
    BROKEN[how][0](home.config)
    for words in (
        ["reprice", "--since", "2026-10-01", "--yes"],
        ["export", "--parquet", str(home.path / "cold"), "--before", "2026-11"],
    ):
        refused = run(*words)
        assert (refused.code, BROKEN[how][1] in refused.err) == (1, True), refused.err


def test_one_that_is_broken_from_the_first_day_on_leaves_list_prices(home: Home) -> None:
    ensure(home)
    home.config.write_text(HALF)
    recorded()
    assert run("ingest").code == 3
    same = run("sql", "SELECT list_cost = contracted_cost AS same FROM calls", "--format", "json")
    assert objects(same.out) == [{"same": True}]
    shown = run("sql", "SELECT day FROM spend_daily", "--format", "json")
    assert objects(shown.out) == [{"day": "2026-10-15"}]
    home.config.write_text(SOUND)
    mended = run("sql", "SELECT day FROM spend_daily", "--format", "json")
    assert objects(mended.out) == [{"day": "2026-10-16"}]
    assert "for earlier ones: meter reprice" in mended.err


def test_a_margin_that_cannot_be_read_stops_no_other_metric(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from meter import agent

    ensure(home)
    home.config.write_text('[[margins.anthropic]]\nmargin = "much"\n')
    recorded()
    run("ingest")
    ledger = Ledger(home)
    names = {sample.metric.name for sample in agent.read(ledger)}
    assert "meter.spend" in names
    assert ledger.refused is not None and "margin" in ledger.refused.message

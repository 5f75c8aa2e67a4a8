"""Changes to the price book, as a newer catalogue would bring them, and what must hold of any ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from meter import queries
from meter.exporters import samples
from meter.exporters.samples import Sample
from meter.ledger import Ledger, days, ingest
from meter.ledger.repricing import Revision, Scope, write
from tests.ledger.records import rows, segment

ALL = Scope(datetime(1971, 1, 1, tzinfo=timezone.utc), datetime(2200, 1, 1, tzinfo=timezone.utc))
MINI = ("openai", "gpt-4o-mini")
SONNET = ("anthropic", "claude-sonnet-4-5")
NOVEMBER = Scope(datetime(2025, 11, 1, tzinfo=timezone.utc), datetime(2025, 12, 1, tzinfo=timezone.utc))
NOW = datetime(2026, 1, 20, tzinfo=timezone.utc)
DAY = 86_400_000_000
FIFTH_OFF = '[contracts.acme]\nprovider = "openai"\nfrom = 2025-11-20\nmultiplier = 0.8\n'
EUROS = '[contracts.euros]\naccount = "org-1"\ncurrency = "EUR"\nprices = { input = "2.40", output = "12" }\n'
COMMITMENT = """[contracts.prepaid]
provider = "openai"
from = 2025-11-01
to = 2026-11-01
commitment = { amount = "50000", price = "45000" }
"""

_EDITION = """
INSERT INTO ledger.rate_cards
SELECT * REPLACE (
    rate_card_id + (SELECT max(rate_card_id) FROM ledger.rate_cards) AS rate_card_id,
    offer_id + (SELECT max(offer_id) FROM ledger.rate_cards) AS offer_id,
    edition + 1 AS edition,
    {changes}
)
FROM ledger.current_cards
WHERE provider = '{provider}' AND model = '{model}'
"""
_TIMES = """
map_from_entries(list_transform(
    map_entries({prices}), lambda e: {{'key': e.key, 'value': (e.value * {factor})::{kind}}}
)) AS {prices}
"""


def filled(ledger: Ledger, *lines: bytes) -> Ledger:
    """Ingest these lines."""
    segment(ledger.home, *lines)
    assert ingest(ledger).dead_letters == 0
    return ledger


def reprice(ledger: Ledger, scope: Scope = ALL, **more: Any) -> Revision | None:
    """Write a revision; None where nothing changes."""
    return write(ledger, scope, **{"who": "me@here", "why": "a test", "now": NOW, **more})[1]


def change(ledger: Ledger, model: tuple[str, str], changes: str) -> None:
    """Add an edition of a model's cards (catalogue's provider and model) in which these columns differ."""
    provider, name = model
    with ledger.writing() as con:
        con.execute(_EDITION.format(changes=changes, provider=provider, model=name))
        con.execute("DELETE FROM ledger.model_matches")


def multiply(ledger: Ledger, factor: int | str, model: tuple[str, str] = MINI) -> None:
    """Multiply every price of a model."""
    kinds = {"unit_prices": "DECIMAL(18, 12)", "fine_prices": "DECIMAL(27, 24)"}
    parts = [
        _TIMES.format(prices=prices, factor=f"{factor}::DECIMAL(9, 3)", kind=kind) for prices, kind in kinds.items()
    ]
    change(ledger, model, ", ".join(parts))


def withdraw(ledger: Ledger, model: tuple[str, str] = MINI) -> None:
    """Leave a model without a standard price."""
    change(ledger, model, "'withdrawn=' || conditions AS conditions")


def restore(ledger: Ledger, model: tuple[str, str] = MINI) -> None:
    """Give it back its standard price."""
    change(ledger, model, "replace(conditions, 'withdrawn=', '') AS conditions")


def in_currency(ledger: Ledger, currency: str, model: tuple[str, str] = MINI) -> None:
    """Price a model in another currency, by the same numbers."""
    change(ledger, model, f"'{currency}' AS currency")


def contract(ledger: Ledger, text: str) -> None:
    """Write a meter.toml of contracts, in place of the last."""
    ledger.home.config.write_text(text, "utf-8")
    with ledger.writing():
        assert ledger.refused is None


def close(ledger: Ledger, month: str, state: str = "closed") -> None:
    """Close a month."""
    with ledger.writing() as con:
        con.execute("INSERT INTO ledger.periods VALUES (?, ?, now(), 'a test', NULL)", [f"{month}-01", state])


def metric(ledger: Ledger, name: str) -> dict[tuple[tuple[str, str], ...], Decimal]:
    """Return a metric's value by its attributes."""
    with ledger.reading() as con:
        found: Iterable[Sample] = samples.read(con, [queries.get("metrics", name)], {"tags": ["team"]})
    return {tuple(sorted(sample.attributes.items())): Decimal(sample.value) for sample in found}


def tables(ledger: Ledger) -> dict[str, Any]:
    """Return every table of the file by a hash of its rows in their order, with their number."""
    names = rows(ledger, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'ledger'")
    query = """
        SELECT count(*), coalesce(md5(string_agg(found::VARCHAR, '|' ORDER BY place)), '')
        FROM (SELECT rowid AS place, {0} AS found FROM ledger.{0})
    """
    return {name: rows(ledger, query.format(name)) for (name,) in names}


def assert_ties(ledger: Ledger) -> None:
    """Σ charges = Σ calls, call by call; and by any grouping, in every currency."""
    by_call = {
        row[0]: row[1:] for row in rows(ledger, "SELECT call_id, list_cost, contracted_cost, effective_cost FROM calls")
    }
    by_charge = {
        row[0]: row[1:]
        for row in rows(
            ledger, "SELECT call_id, sum(list_cost), sum(contracted_cost), sum(effective_cost) FROM charges GROUP BY 1"
        )
    }
    nothing = (None, None, None)
    assert {call: by_call[call] for call in by_call if by_call[call] != nothing} == {
        call: costs for call, costs in by_charge.items() if costs != nothing
    }
    sums = "SELECT currency, sum(effective_cost) FROM {} WHERE effective_cost IS NOT NULL GROUP BY ALL ORDER BY ALL"
    whole = rows(ledger, sums.format("calls"))
    assert rows(ledger, sums.format("spend_daily")) == whole == rows(ledger, sums.format("charges"))
    assert_days_tie(ledger)


def assert_days_tie(ledger: Ledger) -> None:
    """The sums by day that are kept are those of the calls, in every figure; and they are kept."""
    summed = ", ".join(f"sum({name}) AS {name}" for name in days.SUMS)
    with ledger.reading() as con:
        assert days.are_kept(con)
        kept = con.execute("FROM ledger.days ORDER BY ALL").fetchall()
        of_calls = f"SELECT {', '.join(days.KEYS)}, {summed} FROM ledger.call_days('ledger.all_calls') GROUP BY ALL"
        assert kept == con.execute(f"{of_calls} ORDER BY ALL").fetchall()


def assert_revisions_tie(ledger: Ledger) -> None:
    """What calls cost now is what they cost at first, and what revisions added."""
    now: dict[str, Decimal] = dict(
        rows(ledger, "SELECT currency, sum(effective_cost) FROM calls WHERE effective_cost IS NOT NULL GROUP BY 1")
    )
    told: dict[str, Decimal] = {}
    for name in ("spend", "spend_revision"):
        for attributes, value in metric(ledger, name).items():
            currency = dict(attributes)["currency"]
            told[currency] = told.get(currency, Decimal(0)) + value
    assert {currency: value for currency, value in told.items() if value} == {
        currency: value for currency, value in now.items() if value
    }

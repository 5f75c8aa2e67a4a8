"""A report in one currency says by which rates it came there, of which days and from whom, and what no rate was known for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meter.report import numbers, run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from meter.report.period import Period

PARAM = "report_currency"
"""What the files of reports call it."""
FEW = 3
"""So many rates are named one by one; more are a range."""

Row = Mapping[str, Any]


def values(currency: str | None) -> dict[str, str]:
    """Return the currency as a report's parameter."""
    return {PARAM: currency} if currency else {}


def sentences(connection: DuckDBPyConnection, period: Period, currency: str | None) -> list[str]:
    """Say each rate that a period's amounts were converted at, with its day and source, and which rates are missing."""
    if not currency:
        return []
    rows = run.rows(connection, "rates", period, **values(currency))
    known = [row for row in rows if row["rate"] is not None]
    said = [_used(pair) for pair in _by_currency(known)]
    stated = connection.execute("SELECT DISTINCT from_currency, to_currency FROM exchange_rates").fetchall()
    return [*said, *(_missing(row, set(stated)) for row in rows if row["rate"] is None)]


def _by_currency(rows: Sequence[Row]) -> Iterator[list[Row]]:
    for currency in dict.fromkeys(row["from_currency"] for row in rows):
        yield [row for row in rows if row["from_currency"] == currency]


def _used(pair: Sequence[Row]) -> str:
    """One currency's rates in a sentence."""
    origin, target = pair[0]["from_currency"], pair[0]["to_currency"]
    if len(pair) <= FEW:
        each = (f"{_exact(row)} {target} (of {row['valid_from']}, {row['source']})" for row in pair)
        return f"converted at 1 {origin} = {', then '.join(each)}"
    ordered = sorted(pair, key=lambda row: row["rate"])
    sources = ", ".join(dict.fromkeys(row["source"] for row in pair))
    return (
        f"converted at 1 {origin} = {_exact(ordered[0])} to {_exact(ordered[-1])} {target}: {len(pair)} rates"
        f" of {pair[0]['valid_from']} to {pair[-1]['valid_from']} ({sources}); see: meter report rates"
    )


def _exact(row: Row) -> str:
    return numbers.count(row["rate"])


def _missing(row: Row, stated: set[tuple[str, str]]) -> str:
    origin, target, first, last = (row[name] for name in ("from_currency", "to_currency", "first_day", "last_day"))
    days = f"on {first}" if first == last else f"from {first} to {last}"
    turned = f" (a rate {target} to {origin} is not turned round)" if (target, origin) in stated else ""
    return (
        f"not converted: {numbers.plural(row['calls'], 'call')}, {numbers.money(row['own_cost'])} {origin}: no rate {origin} to"
        f" {target} {days}{turned}, so unknown in {target}; state one that holds on {first}: [[currencies.rates]] in meter.toml"
    )

"""Random contracts over random calls: SQL's cost equals that of the slow, obvious implementation, to the last digit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pricing.batches import call, charges, open_book, price_calls
from tests.pricing.contracts import obvious
from tests.pricing.contracts.terms import configure, parsed

Book = duckdb.DuckDBPyConnection

FIRST = datetime(2026, 10, 20, tzinfo=timezone.utc)
DAYS = st.integers(0, 9).map(lambda days: FIRST + timedelta(days=days))
MODELS = {
    "openai": ("gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"),
    "anthropic": ("claude-sonnet-4-5", "claude-haiku-4-5"),
}
CLASSES = ("input", "cache_read", "output", "reasoning", "cache_write_5m")
PATTERNS: Mapping[str, tuple[str, ...]] = {
    "provider": tuple(MODELS),
    "account": ("org-a", "org-*"),
    "server": ("gateway:1", "*:1"),
    "deployment": ("prod-eu", "prod-*"),
    "model": ("gpt-4o*", "claude-*", "*mini", "gpt-4o", "*haiku*"),
    "tier": ("batch", "standard"),
    "region": ("eu", "e*"),
}

MULTIPLIERS = st.decimals(0, 3, places=4).map(str)
PRICES = st.dictionaries(st.sampled_from(CLASSES), st.decimals(0, 99, places=4).map(str), min_size=1)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """One contract, as its TOML table."""
    names = draw(st.sets(st.sampled_from(sorted(PATTERNS)), max_size=3))
    table: dict[str, Any] = {name: draw(st.sampled_from(PATTERNS[name])) for name in sorted(names)}
    if draw(st.booleans()):
        table["multiplier"] = draw(MULTIPLIERS)
        if draw(st.booleans()):
            table["usage"] = sorted(draw(st.sets(st.sampled_from(CLASSES), min_size=1)))
    else:
        table["prices"] = draw(PRICES)
    if draw(st.booleans()):
        table["from"] = draw(DAYS)
    if draw(st.booleans()):
        table["to"] = table.get("from", FIRST) + timedelta(days=draw(st.integers(1, 9)))
    return table


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    """One call."""
    provider = draw(st.sampled_from(sorted(MODELS)))
    usage = draw(st.dictionaries(st.sampled_from(CLASSES), st.integers(0, 300_000), min_size=1))
    return call(
        draw(st.sampled_from(MODELS[provider])),
        provider,
        usage=usage,
        started_at=draw(DAYS) + timedelta(hours=draw(st.integers(0, 23))),
        account=draw(st.sampled_from(("org-a", "org-b", None))),
        server=draw(st.sampled_from(("gateway:1", None))),
        deployment=draw(st.sampled_from(("prod-eu", "prod-us", None))),
        tier=draw(st.sampled_from(("default", "batch", None))),
        region=draw(st.sampled_from(("eu", "us", None))) if provider == "openai" else None,
    )


@pytest.fixture(scope="module")
def book(book_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """A price book of this module's own: every example leaves its contracts in it."""
    path = tmp_path_factory.mktemp("obvious") / "book.duckdb"
    shutil.copy(book_file, path)
    con = open_book(str(path))
    yield con
    con.close()


@given(st.lists(tables(), min_size=1, max_size=6), st.lists(calls(), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_costs_under_contracts_equal_the_obvious_ones(
    book: Book, written: list[dict[str, Any]], asked: list[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        known = _without_ties(Path(folder), written)
        configure(book, Path(folder), "")
        public = price_calls(book, asked)
        prices = _public_prices(book)
        configure(book, Path(folder), _toml(known))
        found = price_calls(book, asked)
        lines = _by_call(charges(book))
    for one, before, after in zip(asked, public, found, strict=True):
        usage = {name: int(count) for name, count in one["usage"].items()}
        tier = "batch" if one.get("tier") == "batch" else "standard"
        due = obvious.contracted({**one, "priced_model": before["priced_model"]}, known, prices[after["id"]], tier)
        assert after["contracted_cost"] == obvious.cost(usage, due), (one, known)
        assert sum(line["contracted_cost"] or 0 for line in lines[after["id"]]) == (after["contracted_cost"] or 0)
        if after["price_status"] != "unpriced":
            assert after["list_cost"] == before["list_cost"]


def _without_ties(folder: Path, written: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave out each contract that is refused beside those before it."""
    known: dict[str, dict[str, Any]] = {}
    for number, table in enumerate(written):
        more = {**known, f"c{number}": table}
        if not parsed(folder, _toml(more))[1]:
            known = more
    return known


def _public_prices(book: Book) -> dict[Any, dict[str, Fraction | None]]:
    found: dict[Any, dict[str, Fraction | None]] = {}
    for line in charges(book):
        price = line["unit_price"]
        found.setdefault(line["call_id"], {})[line["usage_class"]] = None if price is None else Fraction(price)
    return found


def _by_call(lines: list[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for line in lines:
        found.setdefault(line["call_id"], []).append(line)
    return found


def _toml(written: Mapping[str, Mapping[str, Any]]) -> str:
    return "\n".join(
        f"[contracts.{name}]\n" + "\n".join(f"{key} = {_value(value)}" for key, value in table.items())
        for name, table in written.items()
    )


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'{key} = "{each}"' for key, each in value.items()) + " }"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).replace("'", '"') if isinstance(value, list) else f'"{value}"'

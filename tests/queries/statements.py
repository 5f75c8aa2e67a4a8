"""What a statement contains, by DuckDB's own parser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

_NAMES = "cost|costs|price|prices|value|total|today|month_to_date|last_month|shared|adjustment"
_BY_THE_MONTH = "amount|bought|paid|drawn|remaining|undrawn|taken|spend|breakage|fee|commitment|basis|atoms|quotient"
MONEY = re.compile(rf"(.*_)?({_NAMES}|{_BY_THE_MONTH})")
ROUNDING = {"/", "avg", "mean", "fdiv", "divide", "median", "quantile_cont", "favg", "fsum", "sumkahan", "kahan_sum"}
"""Functions that turn a DECIMAL into a DOUBLE."""


def parsed(sql: str) -> Any:
    """Return the statement's tree."""
    with duckdb.connect() as connection:
        row = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    assert row
    tree = json.loads(row[0])
    assert not tree["error"], tree
    return tree["statements"]


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of the tree."""
    if isinstance(tree, dict):
        yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(child)


def columns(tree: Any) -> set[str]:
    """Return the last names of the columns that the tree refers to."""
    return {str(node["column_names"][-1]) for node in nodes(tree) if node.get("class") == "COLUMN_REF"}


def rounded_money(sql: str) -> list[str]:
    """Return each division or average that has a money column below it."""
    return [
        f"{node['function_name']}({', '.join(sorted(columns(node)))})"
        for node in nodes(parsed(sql))
        if node.get("function_name") in ROUNDING and any(MONEY.fullmatch(name) for name in columns(node))
    ]


def tables(sql: str) -> set[str]:
    """Return the public views that the statement reads: without its own WITH, and the tables of the ledger."""
    tree = parsed(sql)
    own = {
        entry["key"]
        for node in nodes(tree)
        if isinstance(node.get("cte_map"), dict)
        for entry in node["cte_map"]["map"]
    }
    read = [node for node in nodes(tree) if node.get("type") == "BASE_TABLE" and node["schema_name"] != "ledger"]
    found = {str(node["table_name"]) for node in read}
    macros = {str(node["function"]["function_name"]) for node in nodes(tree) if node.get("type") == "TABLE_FUNCTION"}
    return (found | macros) - own


def parameters(sql: str) -> list[set[str]]:
    """Return the named parameters of each statement in the text."""
    with duckdb.connect() as connection:
        return [set(statement.named_parameters) for statement in connection.extract_statements(sql)]

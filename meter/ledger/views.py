"""The public views: each is one file of queries/views, stored in the ledger so that every tool sees them.

A file with parameters becomes a table macro: calls_in.sql, with `-- param: target …`, is asked as `FROM calls_in('EUR')`.

They are made anew when their text has changed, which needs no migration: a view holds no data.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from meter.ledger import cold
from meter.ledger.transaction import quoted, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NEEDS = re.compile(r"^-- needs: *(.+)$", re.MULTILINE)
_PARAM = re.compile(r"^-- param: *(\w+)", re.MULTILINE)
_TITLE = re.compile(r"^-- title: *(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class View:
    """One file: the view's name, its title, the views it reads, its statement, and its parameters."""

    name: str
    title: str
    needs: tuple[str, ...]
    sql: str
    params: tuple[str, ...] = ()

    @property
    def definition(self) -> str:
        """The statement that makes it, again where it is there already."""
        if not self.params:
            return f"CREATE OR REPLACE VIEW main.{self.name} AS {self.sql}"
        body = re.sub(r"\$(\w+)", r"\1", self.sql)
        return f"CREATE OR REPLACE MACRO main.{self.name}({', '.join(self.params)}) AS TABLE {body}"


@lru_cache
def packaged() -> tuple[View, ...]:
    """Return the views of this Meter, each after those it needs."""
    # Named, not imported: queries stand above the ledger, and their loader may need it one day.
    folder = files("meter.queries") / "views"
    texts = {
        item.name.removesuffix(".sql"): item.read_text("utf-8")
        for item in folder.iterdir()
        if item.name.endswith(".sql")
    }
    return tuple(_ordered({name: _view(name, texts[name]) for name in sorted(texts)}))


@lru_cache
def digest() -> str:
    """Return what tells these views from those of another Meter."""
    return hashlib.sha256("\0".join(view.name + view.sql for view in packaged()).encode()).hexdigest()[:32]


def are_installed(con: DuckDBPyConnection) -> bool:
    """Tell whether the ledger has these views, made for the files that are cold and where they are now."""
    return con.execute("SELECT digest FROM ledger.view_digests").fetchall() == [(_digest(con),)]


def install(con: DuckDBPyConnection) -> bool:
    """Make the views if the ledger has others. Tells whether it did."""
    if are_installed(con) or any(month.fault for month in cold.months(con)):
        return False  # a view cannot be made over a file that is missing; who reads is told of it
    with transaction(con):
        cold.span(con)
        for view in packaged():
            con.execute(view.definition)
            con.execute(
                f"COMMENT ON {'MACRO TABLE' if view.params else 'VIEW'} main.{view.name} IS {quoted(view.title)}"
            )
        _sign(con)
    return True


def span(con: DuckDBPyConnection) -> None:
    """Make the views on calls anew since a month has moved, within the caller's transaction.

    While another month's file is missing they stay as they are, which nobody reads; the next opening makes them.
    """
    if not any(month.fault for month in cold.months(con)):
        cold.span(con)
        _sign(con)


def _sign(con: DuckDBPyConnection) -> None:
    con.execute("DELETE FROM ledger.view_digests")
    con.execute("INSERT INTO ledger.view_digests VALUES (?)", [_digest(con)])


def _digest(con: DuckDBPyConnection) -> str:
    """Return what tells the views as they should be: their texts, the tables' schema, and the files."""
    files = [str(month.path) for month in cold.months(con)]
    ((schema,),) = con.execute("SELECT max(version) FROM ledger.migrations").fetchall()
    return hashlib.sha256("\0".join([digest(), str(schema), *files]).encode()).hexdigest()[:32]


def _view(name: str, text: str) -> View:
    title, needs = _TITLE.search(text), _NEEDS.search(text)
    return View(
        name,
        title[1] if title else name,
        tuple(re.split(r"[,\s]+", needs[1].strip())) if needs else (),
        text,
        tuple(_PARAM.findall(text)),
    )


def _ordered(views: Mapping[str, View]) -> list[View]:
    ordered: dict[str, View] = {}

    def place(view: View) -> None:
        for name in view.needs:
            if name in views and name not in ordered:
                place(views[name])
        ordered[view.name] = view

    for view in views.values():
        place(view)
    return list(ordered.values())

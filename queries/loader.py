"""Read .sql files and their headers.

A header is the file's first lines, each `-- key: value`. Keys by folder:

    views, reports   title, about, param (repeated), needs
    metrics          name, unit, kind (sum, updown or gauge), help, attributes, value, param (repeated), needs

`param` is `name = help` or `name type = help`; `$name` in the statement must match. Without a type `from` and `to` are
timestamptz, all else is text. A type that ends in `?` may be left out: the statement then sees NULL.
`needs` and `attributes` are lists with commas.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

from meter.errors import QueryInvalid

if sys.version_info >= (3, 11):
    from importlib.resources.abc import Traversable
else:
    from importlib.abc import Traversable

FOLDERS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "views": (frozenset({"title", "about"}), frozenset({"param", "needs"})),
    "reports": (frozenset({"title", "about"}), frozenset({"param", "needs"})),
    "metrics": (frozenset({"name", "unit", "kind", "help", "value"}), frozenset({"attributes", "param", "needs"})),
}
"""The keys a header must have, and those it may have, by folder."""

_HEADER = re.compile(r"--\s*([a-z_]+):(?:\s+(.*))?")
_PARAM = re.compile(r"([a-z_][a-z0-9_]*)(?:\s+([a-z]+(?:\[\])?\??))?\s*=\s*(\S.*)")


def _timestamptz(value: Any) -> datetime:
    moment = datetime.fromisoformat(re.sub("Z$", "+00:00", value)) if isinstance(value, str) else value
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError("expected a time with its time zone")
    return moment


def _currency(value: Any) -> str:
    from meter.pricing.iso4217 import code

    return code(value)


def _texts(value: Any) -> list[str]:
    return words(value) if isinstance(value, str) else [str(item) for item in value]


TYPES: Mapping[str, Callable[[Any], Any]] = {
    "timestamptz": _timestamptz,
    "date": lambda value: value if isinstance(value, date) else date.fromisoformat(value),
    "integer": int,
    "decimal": lambda value: Decimal(str(value)),
    "text": str,
    "currency": _currency,
    "text[]": _texts,
    "json": lambda value: value if isinstance(value, str) else json.dumps(value),
}
"""What a parameter's type makes of a value; a refusal is a ValueError or TypeError."""


@dataclass(frozen=True)
class Param:
    """One parameter of a statement."""

    name: str
    type: str
    help: str
    optional: bool = False


@dataclass(frozen=True)
class Query:
    """One .sql file: what its header says, and its text."""

    name: str
    kind: str
    title: str
    about: str
    params: tuple[Param, ...]
    needs: tuple[str, ...]
    headers: Mapping[str, str]
    sql: str

    def bind(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values for the statement's parameters, each of its declared type.

        Raises QueryInvalid for one that is missing, not a parameter, or not of its type.
        """
        names = [param.name for param in self.params]
        for name in values:
            if name not in names:
                raise QueryInvalid(
                    f"{self.kind}/{self.name} has no parameter {name!r}", hint=f"it takes: {', '.join(names) or 'none'}"
                )
        return {param.name: self._typed(param, values) for param in self.params}

    def _typed(self, param: Param, values: Mapping[str, Any]) -> Any:
        where = f"{self.kind}/{self.name}"
        value = values.get(param.name)
        if value is None and param.optional:
            return None
        if value is None:
            raise QueryInvalid(
                f"{where} needs the parameter {param.name!r}", hint=f"--param {param.name}=…: {param.help}"
            )
        try:
            return TYPES[param.type](value)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise QueryInvalid(
                f"{where}: {param.name} = {value!r} is no {param.type}: {error}", hint=param.help
            ) from error


def load(kind: str, folder: Traversable | None = None) -> list[Query]:
    """Return the queries of one kind by name; `folder` stands in for the package's own.

    Raises QueryInvalid with file and line when a header is wrong.
    """
    place = _folder(kind) if folder is None else folder
    names = sorted(item.name for item in place.iterdir() if item.name.endswith(".sql"))
    return [parse(kind, name.removesuffix(".sql"), (place / name).read_text("utf-8")) for name in names]


def get(kind: str, name: str) -> Query:
    """Return one query. Raises QueryInvalid when there is none of that name."""
    queries = {query.name: query for query in load(kind)}
    if name not in queries:
        raise QueryInvalid(f"there is no {name!r} in {kind}", hint=f"there are: {', '.join(queries) or 'none'}")
    return queries[name]


def parse(kind: str, name: str, text: str) -> Query:
    """Read one file's text. Raises QueryInvalid with file and line."""
    where = f"queries/{kind}/{name}.sql"
    required, optional = FOLDERS[kind]
    headers: dict[str, str] = {}
    params: dict[str, Param] = {}
    for number, key, value in _header(text):
        place = f"{where}:{number}"
        if key not in required | optional:
            raise QueryInvalid(
                f"{place}: unknown key {key!r}", hint=f"keys are: {', '.join(sorted(required | optional))}"
            )
        if not value:
            raise QueryInvalid(f"{place}: {key!r} says nothing", hint="give it a value, or leave the line out")
        param = _param(place, value) if key == "param" else None
        if key in headers or (param and param.name in params):
            raise QueryInvalid(f"{place}: {param.name if param else key} stands there twice", hint="leave one of them")
        if param:
            params[param.name] = param
        else:
            headers[key] = value
    if missing := sorted(required - headers.keys()):
        raise QueryInvalid(f"{where}:1: the header has no {missing[0]!r}", hint=f"add a line: -- {missing[0]}: …")
    title, about = headers.get("title") or headers["name"], headers.get("about") or headers["help"]
    needs = tuple(words(headers.get("needs", "")))
    return Query(name, kind, title, about, tuple(params.values()), needs, headers, text)


def words(text: str) -> list[str]:
    """Split a list with commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _folder(kind: str) -> Traversable:
    if kind not in FOLDERS:
        raise QueryInvalid(f"there is no kind of query {kind!r}", hint=f"kinds are: {', '.join(FOLDERS)}")
    return files("meter.queries") / kind


def _header(text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not (match := _HEADER.fullmatch(line)):
            return
        yield number, match[1], (match[2] or "").strip()


def _param(where: str, value: str) -> Param:
    if not (match := _PARAM.fullmatch(value)):
        raise QueryInvalid(
            f"{where}: cannot read the parameter {value!r}", hint="write: -- param: name = help, or: name type = help"
        )
    name, kind, about = match.groups()
    kind = kind or ("timestamptz" if name in {"from", "to"} else "text")
    base = kind.removesuffix("?")
    if base not in TYPES:
        raise QueryInvalid(f"{where}: {name} has the unknown type {kind!r}", hint=f"types are: {', '.join(TYPES)}")
    return Param(name, base, about, optional=kind != base)

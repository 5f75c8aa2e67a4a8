"""What every exporter of metrics shares: the metric queries of `queries/metrics`, read as samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meter.errors import QueryInvalid
from meter.queries import Query
from meter.queries.loader import words

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SUMS = frozenset({"sum", "updown"})
KINDS = SUMS | {"gauge"}

TAGS = "tags"  # the one attribute that is a map: its keys become attributes themselves


@dataclass(frozen=True)
class Metric:
    """A metric's identity. `kind` is sum (cumulative, never falls), updown (cumulative, may fall) or gauge."""

    name: str
    unit: str
    kind: str
    help: str


@dataclass(frozen=True)
class Sample:
    """One value of one series. Money and quantities stay Decimal; `since` is when a sum began to count."""

    metric: Metric
    attributes: Mapping[str, str]
    value: int | Decimal
    since: datetime | None = None


def read(
    connection: DuckDBPyConnection, queries: Iterable[Query], values: Mapping[str, Any], since: datetime | None = None
) -> list[Sample]:
    """Return the samples of the metric queries; each takes the parameters it declares from `values`.

    An unknown value (NULL) gives no sample, an unknown attribute is left out. Raises QueryInvalid for a file whose
    header and columns differ.
    """
    return [sample for query in queries for sample in _samples(connection, query, values, since)]


def _samples(
    connection: DuckDBPyConnection, query: Query, values: Mapping[str, Any], since: datetime | None
) -> Iterator[Sample]:
    metric = Metric(query.headers["name"], query.headers["unit"], query.headers["kind"], query.headers["help"])
    cursor = connection.execute(query.sql, query.bind({param.name: values.get(param.name) for param in query.params}))
    columns = [str(column[0]) for column in cursor.description or ()]
    _check(query, columns)
    started = since if metric.kind in SUMS else None
    for row in cursor.fetchall():
        fields = dict(zip(columns, row, strict=True))
        if (value := fields.pop(query.headers["value"])) is not None:
            yield Sample(metric, _attributes(query, fields), _number(query, value), started)


def _check(query: Query, columns: Sequence[str]) -> None:
    declared = {*words(query.headers.get("attributes", "")), query.headers["value"]}
    if query.headers["kind"] not in KINDS:
        raise QueryInvalid(
            f"metrics/{query.name}: kind {query.headers['kind']!r}", hint="a metric is a sum, an updown or a gauge"
        )
    if different := declared ^ set(columns):
        raise QueryInvalid(
            f"metrics/{query.name}: its header and its columns differ in {', '.join(sorted(different))}",
            hint="`attributes` and `value` name every column of the statement",
        )


def _attributes(query: Query, fields: Mapping[str, Any]) -> dict[str, str]:
    own = {name: str(value) for name, value in fields.items() if value is not None and name != TAGS}
    tags = fields.get(TAGS) or {}
    if clash := sorted(tags.keys() & fields.keys()):
        raise QueryInvalid(
            f"the tag {clash[0]!r} has the name of an attribute of {query.headers['name']}",
            hint="leave it out of the tags that become attributes",
        )
    return {**own, **tags}


def _number(query: Query, value: Any) -> int | Decimal:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return value
    raise QueryInvalid(
        f"metrics/{query.name}: its value {value!r} is a {type(value).__name__}",
        hint="a division or an average turns money into a double: sum DECIMAL or integer columns",
    )

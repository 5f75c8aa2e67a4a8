"""What the wire says is what is recorded: every exchange of the corpus, through the real SDKs.

The table that is printed has, by provider, API and way, how many exchanges there were and how many agree in model, response id,
status, streaming and every class. A second corpus exists; nothing here is fitted to single records.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import anthropic
import openai
import pytest

from meter import instrument
from meter.attribution import tags
from meter.home import Home
from meter.ledger import ingest, open_ledger
from tests.conftest import lines_of
from tests.instrument.vendors.reading import reread
from tests.providers import corpus, statement

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.xdist_group("corpus"),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::UserWarning", "ignore::pydantic.PydanticDeprecationWarning"
    ),
]

EXCEPTIONS: dict[str, str] = {}
"""Exchanges that do not agree, each with its reason."""

RAISED = (openai.OpenAIError, anthropic.AnthropicError, ValueError, TypeError)
"""What the SDKs raise on recorded errors, and on answers that are no answers."""


@pytest.fixture
def metered(home: Home) -> Iterator[Home]:
    instrument.install()
    yield home
    instrument.uninstall()


@pytest.fixture(scope="module")
def exchanges() -> list[corpus.Record]:
    return corpus.records("openai", "anthropic")


def test_every_call_of_the_corpus_is_recorded_as_it_states(
    metered: Home, exchanges: list[corpus.Record], capsys: pytest.CaptureFixture[str]
) -> None:
    calls = [record for record in exchanges if corpus.is_call(record)]
    with corpus.replay().Replay(calls) as server, connections() as https:
        for record in calls:
            with tags(exchange=record["id"]), suppress(*RAISED):
                send(record, server, https[corpus.way_of(record).sdk])
    check(calls, read(metered), capsys)
    check_rows(calls, metered)


def test_every_call_of_the_corpus_is_recorded_as_it_states_by_the_async_clients(
    metered: Home, exchanges: list[corpus.Record], capsys: pytest.CaptureFixture[str]
) -> None:
    calls = [record for record in exchanges if corpus.is_call(record)]

    async def send_all(server: Any) -> None:
        async with (
            openai.DefaultAsyncHttpxClient() as http_openai,
            anthropic.DefaultAsyncHttpxClient() as http_anthropic,
        ):
            for record in calls:
                with tags(exchange=record["id"]), suppress(*RAISED):
                    http = http_openai if corpus.way_of(record).sdk == "openai" else http_anthropic
                    await send_async(record, server, http)

    with corpus.replay().Replay(calls) as server:
        asyncio.run(send_all(server))
    check(calls, read(metered), capsys)


def test_streams_read_as_bytes_are_recorded_alike(
    metered: Home, exchanges: list[corpus.Record], capsys: pytest.CaptureFixture[str]
) -> None:
    calls = [record for record in exchanges if corpus.is_call(record) and record["streaming"]]
    with corpus.replay().Replay(calls, rechunk=61) as server, connections() as https:
        for record in calls:
            to = client(record, server, https[corpus.way_of(record).sdk])
            method = corpus.method_of(to, record, "with_streaming_response")
            ask = corpus.arguments(method, record)
            with tags(exchange=record["id"]), suppress(*RAISED), method(**ask) as answer:
                for _ in answer.iter_bytes():
                    pass
    check(calls, read(metered), capsys)


def test_exchanges_that_are_no_calls_are_not_recorded(metered: Home, exchanges: list[corpus.Record]) -> None:
    others = [record for record in exchanges if record["call_kind"] != "inference"]
    with corpus.replay().Replay(others) as server:
        for record in others:
            with tags(exchange=record["id"]), suppress(*RAISED):
                send_as_is(record, server)
    found = {name: lines[0] for name, lines in read(metered).items()}
    fetched = {record["id"]: record for record in others if is_fetched_late(record)}
    assert set(found) <= set(fetched)  # what was made once is told of once, though it was fetched again and again
    for name, line in found.items():
        wanted, got = statement.expected(fetched[name]), statement.recorded(line, [])
        assert {key: got.get(key) for key in wanted if key.endswith("_tokens")} == {
            key: count for key, count in wanted.items() if key.endswith("_tokens")
        }
    assert {record["call_kind"] for record in others} >= {"retrieve", "count", "batch"}


def is_fetched_late(record: corpus.Record) -> bool:
    """Whether an exchange fetches what was made in the background, by an assistant or in a batch."""
    return record["api"] in ("openai.assistants", "openai.responses_retrieve") or record["call_kind"] == "batch"


def test_calls_without_a_method_of_their_own_are_recorded_too(metered: Home, exchanges: list[corpus.Record]) -> None:
    others = [record for record in exchanges if record["call_kind"] == "inference" and not corpus.is_call(record)]
    with corpus.replay().Replay(others) as server:
        for record in others:
            with tags(exchange=record["id"]), suppress(*RAISED):
                send_as_is(record, server)
    found = read(metered)
    for record in others:
        assert len(found[record["id"]]) == 1
        wanted, line = statement.expected(record), statement.recorded(found[record["id"]][0], [])
        assert {name: line.get(name) for name in wanted if name.endswith("_tokens")} == {
            name: count for name, count in wanted.items() if name.endswith("_tokens")
        }


@contextmanager
def connections() -> Iterator[dict[str, Any]]:
    with openai.DefaultHttpxClient() as to_openai, anthropic.DefaultHttpxClient() as to_anthropic:
        yield {"openai": to_openai, "anthropic": to_anthropic}


def client(record: corpus.Record, server: Any, http: Any, prefix: str = "") -> Any:
    """Return a client whose address leads to one exchange."""
    way = corpus.way_of(record)
    base = server.url(record["id"]) + record["path"].removesuffix(way.ending)
    kind = getattr(
        openai if way.sdk == "openai" else anthropic, f"{prefix}{'OpenAI' if way.sdk == 'openai' else 'Anthropic'}"
    )
    return kind(api_key="sk-corpus", base_url=base, max_retries=0, http_client=http)


def send(record: corpus.Record, server: Any, http: Any) -> None:
    method = corpus.method_of(client(record, server, http), record)
    answer = method(**corpus.arguments(method, record))
    if record["streaming"]:
        for _ in answer:
            pass


async def send_async(record: corpus.Record, server: Any, http: Any) -> None:
    method = corpus.method_of(client(record, server, http, "Async"), record)
    answer = await method(**corpus.arguments(method, record))
    if record["streaming"]:
        async for _ in answer:
            pass


def send_as_is(record: corpus.Record, server: Any) -> None:
    sdk: Any = (
        anthropic.Anthropic if record["provider"] == "anthropic" and "openai" not in record["api"] else openai.OpenAI
    )
    with sdk(api_key="sk-corpus", base_url=server.url(record["id"]), max_retries=0) as to:
        options: Any = {"params": dict(part.split("=", 1) for part in record["query"].split("&") if "=" in part)}
        ask = to.get if record["method"] == "GET" else to.post
        body = {} if record["method"] == "GET" else {"body": record["request_body"]}
        stream: Any = openai.Stream[object] if sdk is openai.OpenAI else anthropic.Stream[object]
        kind = {"stream": True, "stream_cls": stream} if record["streaming"] else {}
        answer = ask(record["path"], cast_to=object, options=options, **body, **kind)
        if record["streaming"]:
            for _ in answer:
                pass


def read(home: Home) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of the spool by exchange, those of side passes after their call's."""
    gc.collect()
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in map(json.loads, lines_of(home)):
        if line["kind"] == "call":
            found[line["tags"]["exchange"]].append(line)
    return {name: sorted(lines, key=lambda line: "parent" in line) for name, lines in found.items()}


def check(
    calls: list[corpus.Record],
    found: dict[str, list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
    exceptions: Mapping[str, str] = EXCEPTIONS,
) -> None:
    """Compare each call with what the corpus states, print the table, and fail on what is no listed exception."""
    wrong: dict[str, Any] = {}
    table: Counter[tuple[str, str, str]] = Counter()
    agree: Counter[tuple[str, str, str]] = Counter()
    for record in calls:
        way = (record["provider"], record["api"], "stream" if record["streaming"] else "once")
        table[way] += 1
        lines = found.get(record["id"], [])
        wanted = statement.expected(record)
        got = statement.recorded(lines[0], lines[1:]) if lines else None
        if got is not None and "web_search_requests" not in wanted:
            got.pop("web_search_requests", None)  # the corpus counts none that were only run
        if got == wanted and not any("parent" not in line for line in lines[1:]):
            agree[way] += 1
        else:
            wrong[record["id"]] = differences(wanted, got)
    with capsys.disabled():
        print(f"\n{'provider':18}{'api':32}{'way':8}{'calls':>6}{'agree':>6}{'share':>8}")
        for way, count in sorted(table.items()):
            print(f"{way[0]:18}{way[1]:32}{way[2]:8}{count:6}{agree[way]:6}{agree[way] / count:8.1%}")
        print(f"{'all':58}{table.total():6}{agree.total():6}{agree.total() / table.total():8.1%}")
    assert {name: why for name, why in wrong.items() if name not in exceptions} == {}
    for line in (line for lines in found.values() for line in lines if line.get("usage")):
        assert reread(line) in (None, line["usage"]), line["tags"]


def check_rows(calls: list[corpus.Record], home: Home) -> None:
    """Compare each row of the ledger with what the corpus states; usage that nobody stated may be estimated there."""
    ledger = open_ledger(home)
    ingest(ledger)
    with ledger.reading() as connection:
        cursor = connection.execute("FROM calls WHERE parent_id IS NULL")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    found = {row["tags"]["exchange"]: statement.row(row) for row in rows}
    assert len(rows) == len(found) == len(calls)
    for record in calls:
        wanted, got = statement.expected(record), found[record["id"]]
        names = list(got) if wanted["source"] == "reported" else ["model", "response_id", "ok", "stream"]
        assert {name: got[name] for name in names} == {name: wanted.get(name) for name in names}, record["id"]


def differences(wanted: statement.Statement, got: statement.Statement | None) -> Any:
    if got is None:
        return "not recorded"
    return {name: (wanted.get(name), got.get(name)) for name in {*wanted, *got} if wanted.get(name) != got.get(name)}

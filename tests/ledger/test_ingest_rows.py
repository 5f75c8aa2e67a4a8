"""Ingest, from lines to rows: every field arrives, and what a line does not say is unknown."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from meter import event
from meter.ledger import Ingested, Ledger, ingest
from tests.ledger.records import TS, call, counts, framed, outcome, process, rows, segment, value


def test_each_kind_of_line_becomes_a_row_of_its_table(ledger: Ledger) -> None:
    path = segment(ledger.home, process(), call(), call(), outcome())
    size = path.stat().st_size
    assert ingest(ledger) == Ingested(lines=4, calls=2, outcomes=1, processes=1, bytes=size, segments=1)
    assert counts(ledger) == {"calls": 2, "outcomes": 1, "processes": 1, "dead_letters": 0}
    assert value(ledger, "SELECT sum(effective_cost) FROM calls") == Decimal("0.000480000000")
    assert rows(
        ledger, "SELECT lines, calls, outcomes, processes, dead_letters, duplicates, bytes FROM ledger.ingested"
    ) == [(4, 2, 1, 1, 0, 0, size)]


def test_every_field_of_a_call_arrives(ledger: Ledger) -> None:
    fields: dict[str, Any] = {
        "dur": 1_500_000, "ttft": 250_000, "service": "shop", "host": "node-1", "pid": 7, "response_id": "chatcmpl-1",
        "tier": "default", "requested_tier": "auto", "account": "org-1", "project": "proj-1", "key": "0123456789ab",
        "region": "eu", "deployment": "d1", "context": {"speed": "fast"}, "raw": {"prompt_tokens": 1000}, "sent_chars": 9,
        "seen_chars": 8, "error": "Timeout", "attempts": 3, "billed": True, "parent": "0" * 31 + "1", "stream": True, "chunks": 5,
        "reported_cost": "0.25", "reported_currency": "EUR",
        "trace": "0af7651916cd43dd8448eb211c80319c", "span": "00f067aa0ba902b7",
    }  # fmt: skip
    segment(ledger.home, call(**fields))
    ingest(ledger)
    columns = (
        "duration_s, time_to_first_token_s, service, host, pid, response_id, service_tier, account, project, key_id, region,"
        "deployment, context, error_type, attempts, parent_id::VARCHAR, stream, trace_id, span_id, started_at, operation, api,"
        "server_address, tags"
    )
    moment = datetime.fromtimestamp(TS / 1e6, timezone.utc)
    assert rows(ledger, f"SELECT {columns} FROM calls") == [
        (
            *(1.5, 0.25, "shop", "node-1", 7, "chatcmpl-1", "default", "org-1", "proj-1", "0123456789ab", "eu", "d1"),
            *(
                {"speed": "fast"},
                "Timeout",
                3,
                "00000000-0000-0000-0000-000000000001",
                True,
                fields["trace"],
                fields["span"],
            ),
            *(moment, "chat", "openai.chat", "api.openai.com", {"team": "search"}),
        )
    ]
    kept = "requested_tier, sent_chars, seen_chars, billed, chunks, reported_cost, reported_currency, raw"
    assert rows(ledger, f"SELECT {kept} FROM ledger.calls JOIN ledger.raw_usage USING (id)") == [
        ("auto", 9, 8, True, 5, Decimal("0.25"), "EUR", '{"prompt_tokens":1000}')
    ]


def test_what_a_line_does_not_say_is_unknown(ledger: Ledger) -> None:
    line = event.encode(event.Call(v=1, id=event.new_id(TS), ts=TS))
    segment(ledger.home, line)
    ingest(ledger)
    counts = "input_tokens, output_tokens, total_tokens, cache_write_tokens, other_usage"
    assert rows(
        ledger, f"SELECT {counts}, effective_cost, tags, service, provider, stream, price_status FROM calls"
    ) == [(*[None] * 10, "no_usage")]


def test_a_clock_that_jumps_costs_the_duration_and_not_the_call(ledger: Ledger) -> None:
    segment(ledger.home, call(dur=-5, ttft=-6))
    ingest(ledger)
    assert rows(ledger, "SELECT duration_s, time_to_first_token_s, effective_cost FROM calls") == [
        (None, None, Decimal("0.00024"))
    ]


def test_an_outcome_keeps_its_exact_value_and_counts_one_by_default(ledger: Ledger) -> None:
    segment(
        ledger.home,
        outcome(value="0.000000000001", tags={"team": "b", "area": "a"}),
        outcome(value=None, currency=None, quantity="2.5"),
    )
    ingest(ledger)
    assert rows(
        ledger, "SELECT name, value, currency, quantity, tags, occurred_at FROM outcomes ORDER BY quantity"
    ) == [
        (
            "ticket_resolved",
            Decimal("1e-12"),
            "USD",
            Decimal(1),
            {"area": "a", "team": "b"},
            datetime.fromtimestamp(TS / 1e6, timezone.utc),
        ),
        ("ticket_resolved", None, None, Decimal("2.5"), None, datetime.fromtimestamp(TS / 1e6, timezone.utc)),
    ]


def test_a_process_line_names_the_segment_that_it_opens(ledger: Ledger) -> None:
    one = segment(ledger.home, process(service="one"), call())
    other = segment(ledger.home, process(service="other", sdks={"openai": "3.54"}, python="3.11", meter="0.1"), call())
    stray = segment(ledger.home, call(), process(service="stray"))
    ingest(ledger)
    assert stray not in (one, other)
    assert rows(ledger, "SELECT service, segment, sdks, hooks FROM ledger.processes ORDER BY service") == [
        ("one", one.stem, None, '{"openai":"patched"}'),
        ("other", other.stem, '{"openai":"3.54"}', '{"openai":"patched"}'),
        ("stray", None, None, '{"openai":"patched"}'),
    ]


def test_a_batch_without_calls_needs_no_prices(ledger: Ledger) -> None:
    segment(ledger.home, process())
    assert ingest(ledger) == Ingested(lines=1, processes=1, bytes=len(framed([process()])), segments=1)

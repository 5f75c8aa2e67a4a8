"""The product as its user meets it: one import in a service, a number in SQL."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import meter
from meter.home import Home
from meter.ledger import ingest, open_ledger
from meter.simulator import Simulator

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
    "usage": {
        "prompt_tokens": 1000,
        "completion_tokens": 200,
        "total_tokens": 1200,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 50},
    },
}


class Provider(BaseHTTPRequestHandler):
    """Answers every request with ANSWER."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


def rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    ledger = open_ledger(home)
    ingest(ledger)
    with ledger.reading() as connection:
        return list(connection.execute(query).fetchall())


def run_service(code: str) -> None:
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)


def test_a_service_that_ends_right_after_its_call_is_in_the_ledger_to_the_last_digit(home: Home, provider: str) -> None:
    run_service(f"""
        import meter.auto, os
        from meter import tags
        from openai import OpenAI
        client = OpenAI(api_key="sk-secret-key", base_url={provider!r})
        with tags(team="search"):
            client.chat.completions.create(model="gpt-4o-mini", messages=[dict(role="user", content="PROMPT")])
        os._exit(0)
    """)
    query = """SELECT tags['team'], response_model, input_tokens, cache_read_tokens, output_tokens, reasoning_tokens,
               effective_cost, currency, price_status, usage_source, status FROM calls"""
    found = rows(home, query)
    assert found == [
        ("search", "gpt-4o-mini", 1000, 400, 200, 50, Decimal("0.00024"), "USD", "priced", "reported", "ok")
    ]


def test_neither_the_prompt_nor_the_answer_nor_the_key_is_stored_anywhere(home: Home, provider: str) -> None:
    run_service(f"""
        import meter.auto
        from openai import OpenAI
        client = OpenAI(api_key="sk-secret-key", base_url={provider!r})
        client.chat.completions.create(model="gpt-4o-mini", messages=[dict(role="user", content="PROMPT")], user="person")
    """)
    spooled = b"".join(path.read_bytes() for path in home.spool.iterdir())
    rows(home, "SELECT 1")
    stored = spooled + b"".join(path.read_bytes() for path in home.path.rglob("*") if path.is_file())
    for secret in (b"PROMPT", b'"Hi"', b"sk-secret-key", b"person"):
        assert secret not in stored


def test_a_count_beyond_belief_costs_its_neighbours_nothing(home: Home) -> None:
    for count in (10, 10**18, 20):
        meter.record(provider="openai", model="gpt-4o-mini", usage={"input": count})
    assert rows(home, "SELECT input_tokens FROM calls ORDER BY started_at") == [(10,), (20,)]
    assert len(rows(home, "SELECT reason FROM ledger.dead_letters")) == 1


def test_after_uninstall_the_patched_attributes_are_the_original_objects() -> None:
    import anthropic._base_client
    import openai._base_client

    clients = (openai._base_client.SyncAPIClient, anthropic._base_client.AsyncAPIClient)
    meter.uninstall()
    bare = [client.__dict__["request"] for client in clients]
    meter.install()
    assert [client.__dict__["request"] for client in clients] != bare
    meter.uninstall()
    assert [client.__dict__["request"] for client in clients] == bare
    assert all(client.__dict__["request"] is original for client, original in zip(clients, bare, strict=True))


def test_a_service_switched_off_by_the_environment_writes_nothing(
    home: Home, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METER_DISABLED", "1")
    run_service(f"""
        import meter.auto, meter
        from openai import OpenAI
        client = OpenAI(api_key="sk-secret-key", base_url={provider!r})
        client.chat.completions.create(model="gpt-4o-mini", messages=[dict(role="user", content="PROMPT")])
        meter.record(provider="openai", model="m", usage={{"input": 1}})
        meter.outcome("done", value=1)
    """)
    assert not home.path.exists()


def test_a_clock_that_jumps_back_loses_and_doubles_nothing(home: Home) -> None:
    for moment in (1_790_856_000, 1_600_000_000, 1_790_856_001, 5, 1_790_856_002):
        meter.record(provider="openai", model="gpt-4o-mini", usage={"input": 1}, started_at=moment)
        assert len(rows(home, "SELECT 1 FROM calls")) >= 1
    assert rows(home, "SELECT count(*) FROM calls") == [(5,)]


def test_a_home_on_a_read_only_disk_leaves_the_service_untouched(home: Home, provider: str) -> None:
    home.path.write_text("a file where the folder should be")
    run_service(f"""
        import meter.auto
        from openai import OpenAI
        client = OpenAI(api_key="sk-secret-key", base_url={provider!r})
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=[dict(role="user", content="PROMPT")])
        assert answer.usage.total_tokens == 1200
        from meter import guard
        assert sum(guard.failures.values()) > 0
    """)


def test_an_abandoned_stream_keeps_the_input_it_was_told_and_estimates_only_the_rest(home: Home) -> None:
    with Simulator() as simulator:
        run_service(f"""
            import meter.auto
            from anthropic import Anthropic
            client = Anthropic(api_key="sk-secret-key", base_url={simulator.url!r})
            ask = dict(model="claude-opus-4-8", max_tokens=99, messages=[dict(role="user", content="PROMPT " * 100)])
            with client.messages.create(stream=True, **ask) as stream:
                next(iter(stream))
        """)
    query = """SELECT status, usage_source, input_tokens, output_tokens,
               effective_cost < 0.01, estimate_low <= effective_cost FROM calls"""
    assert rows(home, query) == [("aborted", "estimated", 19, 0, True, True)]

"""Calls that no SDK made, and hooks that found nothing to wrap: from a service's counts to a view, metrics and the doctor."""

from __future__ import annotations

import importlib
import json
import sys
import types

import pytest

from meter import guard, instrument, recorder
from meter.exporters.samples import read
from meter.home import Home
from meter.instrument import plain
from meter.instrument.facts import Facts
from meter.ledger import Ledger, ingest
from meter.queries import load
from tests.cli.running import run
from tests.ledger.records import rows


@pytest.fixture
def ledger(home: Home, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger of a service that called two servers without an SDK, and with another whose choke point is gone."""
    monkeypatch.setattr(plain, "_published", -plain.PUBLISH_S)
    monkeypatch.setenv("METER_SERVICE", "search")
    plain.count(Facts("openai", "api.openai.com"))
    plain.count(Facts("openai", "api.openai.com"))
    plain.count(Facts("vllm", "vllm.internal:8000"))
    importlib.import_module("openai")  # what is not imported has no hooks
    monkeypatch.setitem(sys.modules, "openai._base_client", types.ModuleType("openai._base_client"))
    instrument.install()
    instrument.uninstall()
    recorder.record(provider="openai", model="gpt-4o-mini", usage={"input": 1})
    recorder.close()
    found = Ledger(home)
    ingest(found)
    return found


def test_the_view_says_who_called_whom(ledger: Ledger) -> None:
    assert rows(ledger, "SELECT service, provider, server_address, calls FROM unmetered") == [
        ("search", "openai", "api.openai.com", 2),
        ("search", "vllm", "vllm.internal:8000", 1),
    ]
    assert rows(ledger, "SELECT calls, unmetered_calls, unmetered_share FROM coverage") == [(1, 3, 0.75)]


def test_the_metrics_say_it_too_and_hooks_that_are_gone(ledger: Ledger) -> None:
    queries = [
        query for query in load("metrics") if query.headers["name"] in ("meter.unmetered.calls", "meter.failures")
    ]
    with ledger.reading() as connection:
        found = {(one.metric.name, *one.attributes.values()): one.value for one in read(connection, queries, {})}
    assert found["meter.unmetered.calls", "openai", "api.openai.com", "search"] == 2
    assert found["meter.failures", "hook.openai._base_client:SyncAPIClient.request", "search"] == 1
    assert not any("unmetered" in key[1] for key in found)


def test_status_and_doctor_say_it(ledger: Ledger) -> None:
    status = json.loads(run("status", "--format", "json").out)[0]
    assert status["unmetered"] == {"openai api.openai.com": 2, "vllm vllm.internal:8000": 1}
    assert status["failures"]["hook.openai._base_client:SyncAPIClient.request"] == 1
    shown = run("doctor", "--format", "json")
    told = [row for row in json.loads(shown.out) if row["subject"] in ("unmetered", "hooks")]
    assert shown.code == 1
    assert "2 calls to openai api.openai.com" in told[0]["detail"]
    assert any("SyncAPIClient.request" in row["detail"] and row["state"] == "wrong" for row in told)


def test_names_of_servers_are_bounded(home: Home) -> None:
    for number in range(plain.MAX_SERVERS + 10):
        plain.count(Facts("openai", f"{number}.openai.azure.com"))
    assert len(guard.failures) == plain.MAX_SERVERS + 1
    assert guard.failures["unmetered openai other"] == 10

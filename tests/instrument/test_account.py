"""On whose account a call runs: what was really sent and answered, however a service changes its mind in between."""

from __future__ import annotations

import hashlib
import importlib
import itertools
import sys
from typing import Any

import openai
import pytest

from meter.home import Home
from meter.instrument import facts
from meter.providers.sdks import openai as provider_file
from meter.simulator import Simulator
from tests.conftest import lines_of
from tests.instrument.sdks import ANTHROPIC, CHAT, CLAUDE, MESSAGES, OPENAI, calls, elsewhere, only
from tests.instrument.test_fields import ANSWER, MESSAGE, swap

NEW = int(openai.__version__.split(".")[0]) > 1


def fingerprints(home: Home) -> list[str | None]:
    return [line.get("key") for line in calls(home)]


def of(*keys: str) -> list[str]:
    return [hashlib.sha256(key.encode()).hexdigest()[:12] for key in keys]


def test_an_account_appears_among_as_many_headers_as_it_was_missing_from(metered: Home) -> None:
    client = elsewhere(OPENAI, ANSWER, {"x-a": "1", "x-b": "2"})
    client.chat.completions.create(**CHAT)
    for headers in ({"x-a": "1", "openai-organization": "org-a"}, {"openai-organization": "org-a", "x-c": "3"}):
        swap(client, headers)
        client.chat.completions.create(**CHAT)
    assert [line.get("account") for line in calls(metered)] == [None, "org-a", "org-a"]


def test_a_clients_account_and_project_may_be_changed(metered: Home) -> None:
    client = elsewhere(OPENAI, ANSWER, organization="o1")
    client.chat.completions.create(**CHAT)
    client.organization = "o2"
    if hasattr(client, "project"):
        client.project = "p2"
    client.chat.completions.create(**CHAT)
    first, second = calls(metered)
    assert (first["account"], second["account"]) == ("o1", "o2")
    assert second.get("project") == ("p2" if hasattr(client, "project") else None)


def test_an_attribute_may_go() -> None:
    client = elsewhere(OPENAI, ANSWER, organization="org")
    before = facts.of(client, provider_file.PROVIDER)
    del client.organization
    after = facts.of(client, provider_file.PROVIDER)
    assert (dict(before.rest), dict(after.rest)) == ({"account": "org"}, {})


def test_the_modules_own_client_follows_its_variables(metered: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    http = importlib.import_module("httpx2" if "httpx2" in sys.modules else "httpx")
    transport = http.MockTransport(lambda request: http.Response(200, json=ANSWER))
    monkeypatch.setattr(openai, "http_client", http.Client(transport=transport))
    monkeypatch.setattr(openai, "_client", None, raising=False)
    for key, organization, address in (
        ("sk-one", "org-1", "https://api.openai.com/v1/"),
        ("sk-two", "org-2", "https://openrouter.ai/api/v1/"),
    ):
        monkeypatch.setattr(openai, "api_key", key)
        monkeypatch.setattr(openai, "organization", organization)
        monkeypatch.setattr(openai, "base_url", address)
        openai.chat.completions.create(model="m", messages=MESSAGES)
    openai._reset_client()
    assert fingerprints(metered) == of("sk-one", "sk-two")
    assert [line["account"] for line in calls(metered)] == ["org-1", "org-2"]
    assert [line["provider"] for line in calls(metered)] == ["openai", "openrouter"]


def test_a_key_for_one_request(metered: Home) -> None:
    client = elsewhere(OPENAI, ANSWER)
    client.chat.completions.create(**CHAT)
    client.chat.completions.create(**CHAT, extra_headers={"Authorization": "Bearer sk-other"})
    client.chat.completions.create(**CHAT)
    assert fingerprints(metered) == of("sk-test", "sk-other", "sk-test")


def test_anthropics_token_may_be_changed(metered: Home) -> None:
    client = elsewhere(ANTHROPIC, MESSAGE, api_key=None, auth_token="tok-1")
    client.messages.create(**CLAUDE)
    client.auth_token = "tok-2"
    client.messages.create(**CLAUDE)
    assert fingerprints(metered) == of("tok-1", "tok-2")


def test_a_key_wins_over_a_token_beside_it(metered: Home) -> None:
    headers = {"Authorization": "Bearer tok", "X-Api-Key": "k"}
    elsewhere(ANTHROPIC, MESSAGE).messages.create(**CLAUDE, extra_headers=headers)
    assert fingerprints(metered) == of("k")


def azure(**options: Any) -> Any:
    place: dict[str, Any] = {"azure_endpoint": "https://mine.openai.azure.com", "api_version": "2024-10-21"}
    return elsewhere(OPENAI, ANSWER, kind=openai.AzureOpenAI, **place, **options)


def test_azures_key_stands_in_a_header_of_its_own(metered: Home) -> None:
    azure().chat.completions.create(**CHAT)
    assert fingerprints(metered) == of("sk-test")


def test_azures_token_is_the_callers_and_not_a_placeholder(metered: Home) -> None:
    azure(api_key=None, azure_ad_token="tok").chat.completions.create(**CHAT)
    tokens = itertools.count()
    client = azure(api_key=None, azure_ad_token_provider=lambda: f"tok-{next(tokens)}")
    for _ in range(2):
        client.chat.completions.create(**CHAT)
    assert fingerprints(metered) == of("tok", "tok-0", "tok-1")


@pytest.mark.skipif(not NEW, reason="this version takes no callable")
def test_a_key_that_is_asked_for_each_time(metered: Home) -> None:
    keys = itertools.count()
    client = elsewhere(OPENAI, ANSWER, api_key=lambda: f"sk-{next(keys)}")
    for _ in range(2):
        client.chat.completions.create(**CHAT)
    assert fingerprints(metered) == of("sk-0", "sk-1")


def test_a_signature_is_no_key(metered: Home) -> None:
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=A/2/s, SignedHeaders=host, Signature=0f"}
    elsewhere(OPENAI, ANSWER).chat.completions.create(**CHAT, extra_headers=headers)
    assert fingerprints(metered) == [None]


@pytest.mark.parametrize("given", [{"azure_ad_token": "tok", "api_key": None}, {}])
def test_a_call_without_an_answer_has_its_clients_key_but_no_placeholder(metered: Home, given: dict[str, Any]) -> None:
    client = azure(**given)
    client._client = None  # no request can be made
    with pytest.raises(Exception):  # noqa: B017 - whatever the SDK makes of it
        client.chat.completions.create(**CHAT)
    assert fingerprints(metered) == ([None] if given else of("sk-test"))


def test_what_is_remembered_of_a_key_does_not_tell_it(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url, api_key="sk-very-secret") as client:
        client.chat.completions.create(**CHAT)
        known = facts.of(client, provider_file.PROVIDER)
    assert known.sent[3] == of("sk-very-secret")[0] == only(metered)["key"]
    assert "secret" not in repr(known)
    assert b"secret" not in b"".join(lines_of(metered))

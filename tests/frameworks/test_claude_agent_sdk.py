"""The Claude Agent SDK: a program of its own makes the calls, and tells at the end of each turn what they used in all."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import meter
from meter import guard, instrument
from tests.frameworks.account import ANTHROPIC, Account, framework
from tests.instrument.vendors.reading import calls, classes, reread

sdk = framework("claude_agent_sdk", "claude-agent-sdk")

pytestmark = pytest.mark.filterwarnings("ignore")

PROMPT = "hello there"


def options(account: Account, folder: Path) -> Any:
    variables = {
        "ANTHROPIC_BASE_URL": account.anthropic,
        "ANTHROPIC_API_KEY": "sk-ant-sim",
        "HOME": str(folder),
        "CLAUDE_CONFIG_DIR": str(folder),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    return sdk.ClaudeAgentOptions(
        env=variables, model="claude-haiku-4-5", max_turns=1, cwd=str(folder), tools=[], setting_sources=[]
    )


async def said() -> AsyncIterator[Any]:
    """The prompt as a stream, which tools of this process need."""
    yield {
        "type": "user",
        "message": {"role": "user", "content": PROMPT},
        "parent_tool_use_id": None,
        "session_id": "one",
    }


async def last(messages: Any) -> Any:
    found = [message async for message in messages]
    return found[-1]


async def ask(account: Account, folder: Path) -> Any:
    return await last(sdk.query(prompt=PROMPT, options=options(account, folder)))


async def converse(account: Account, folder: Path) -> Any:
    async with sdk.ClaudeSDKClient(options=options(account, folder)) as client:
        for _ in range(2):
            await client.query(PROMPT)
            *_, last = [message async for message in client.receive_response()]
    return last


def test_a_result_states_what_its_calls_used(account: Account, tmp_path: Path) -> None:
    (model,) = account.run(ask(account, tmp_path)).model_usage.values()
    written = ANTHROPIC["cache_write_5m"] + ANTHROPIC["cache_write_1h"]
    assert (model["inputTokens"], model["cacheReadInputTokens"]) == (ANTHROPIC["input"], ANTHROPIC["cache_read"])
    assert (model["cacheCreationInputTokens"], model["outputTokens"]) == (written, ANTHROPIC["output"])


def test_the_results_of_a_conversation_run_on(account: Account, tmp_path: Path) -> None:
    (model,) = account.run(converse(account, tmp_path)).model_usage.values()
    assert (model["inputTokens"], model["outputTokens"]) == (2 * ANTHROPIC["input"], 2 * ANTHROPIC["output"])


def test_a_query_is_one_record_with_all_that_was_stated(account: Account, tmp_path: Path) -> None:
    with meter.tags(team="search"):
        account.run(ask(account, tmp_path))
    (line,) = calls(account.home)
    assert classes(line) == ANTHROPIC
    assert (line["provider"], line["api"], line["status"], line["source"]) == (
        "anthropic", "anthropic.agent", "ok", "reported",
    )  # fmt: skip
    assert (line["request_model"], line["response_model"]) == ("claude-haiku-4-5", "claude-haiku-4-5-20251001")
    assert line["server"] == account.anthropic.removeprefix("http://")
    assert (line["tags"], line["tier"]) == ({"team": "search"}, "standard")
    assert line["response_id"].startswith("msg_") and line["key"]
    assert reread(line) == line["usage"]
    assert dict(guard.failures) == {}


def test_a_conversation_is_a_record_for_each_turn(account: Account, tmp_path: Path) -> None:
    account.run(converse(account, tmp_path))
    assert [classes(line) for line in calls(account.home)] == [ANTHROPIC, ANTHROPIC]


def test_each_answer_of_a_turn_is_a_call_and_the_last_has_the_output(account: Account, tmp_path: Path) -> None:
    async def look(_: Any) -> Any:
        return {"content": [{"type": "text", "text": "nothing there"}]}

    server = sdk.create_sdk_mcp_server("eyes", tools=[sdk.tool("look", "Looks.", {})(look)])
    asking = replace(
        options(account, tmp_path), mcp_servers={"eyes": server}, allowed_tools=["mcp__eyes__look"], max_turns=3
    )
    result = account.run(last(sdk.query(prompt=said(), options=asking)))
    (model,) = result.model_usage.values()
    found = calls(account.home)
    asked = [each for each in account.sim.requests if "model" in each.body]
    assert len(found) == len(asked) == len({line["response_id"] for line in found}) > 1
    assert [line["usage"].get("output") for line in found[:-1]] == [None] * (len(found) - 1)
    summed: Counter[str] = Counter()
    for line in found:
        summed.update(classes(line))
    assert summed["input"] == model["inputTokens"] == len(found) * ANTHROPIC["input"]
    assert summed["cache_read"] == model["cacheReadInputTokens"]
    assert summed["cache_write_5m"] + summed["cache_write_1h"] == model["cacheCreationInputTokens"]
    assert summed["output"] == model["outputTokens"]
    assert summed["web_searches"] == model["webSearchRequests"]


def test_a_turn_that_is_left_is_told_as_far_as_it_was_shown(account: Account, tmp_path: Path) -> None:
    async def leave() -> None:
        async with sdk.ClaudeSDKClient(options=options(account, tmp_path)) as client:
            await client.query(PROMPT)
            async for message in client.receive_messages():
                if isinstance(message, sdk.AssistantMessage):
                    break

    account.run(leave())
    (line,) = calls(account.home)
    assert (line["status"], line["source"], line["seen_chars"]) == ("aborted", "partial", len("Every call counted. "))
    assert classes(line) == {name: ANTHROPIC[name] for name in ANTHROPIC if name not in ("output", "web_searches")}


def test_a_turn_that_is_refused_is_an_error_that_cost_nothing(account: Account, tmp_path: Path) -> None:
    account.sim.fault = "bad-request"
    with suppress(Exception):
        account.run(ask(account, tmp_path))
    (line,) = calls(account.home)
    assert (line["status"], line["error"], line["billed"]) == ("error", "HTTP 400", False)


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of before it stated sums since the last result, with all that came later left out."""
    transport = sdk._internal.transport.subprocess_cli.SubprocessCLITransport
    told = transport.read_messages

    async def read_messages(self: Any) -> AsyncIterator[Any]:
        async for message in told(self):
            message.pop("model_usage_since_last_result", None)
            for used in (message.get("modelUsage") or {}).values():
                for name in ("cacheCreationEphemeral5mInputTokens", "cacheCreationEphemeral1hInputTokens", "provider"):
                    used.pop(name, None)
            yield message

    monkeypatch.setattr(transport, "read_messages", read_messages)


def test_an_older_program_states_sums_that_run_on(account: Account, tmp_path: Path, older: None) -> None:
    account.run(converse(account, tmp_path))
    assert [classes(line) for line in calls(account.home)] == [ANTHROPIC, ANTHROPIC]


def resumed(account: Account, folder: Path) -> None:
    """Ask thrice in one session, by a program for each turn."""
    session = None
    for _ in range(3):
        asking = replace(options(account, folder), resume=session)
        session = account.run(last(sdk.query(prompt=PROMPT, options=asking))).session_id


def test_a_session_that_is_taken_up_again_counts_its_turns_once(account: Account, tmp_path: Path) -> None:
    resumed(account, tmp_path)
    assert [classes(line) for line in calls(account.home)] == [ANTHROPIC] * 3


def test_so_it_does_with_an_older_program(account: Account, tmp_path: Path, older: None) -> None:
    resumed(account, tmp_path)
    assert [classes(line) for line in calls(account.home)] == [ANTHROPIC] * 3


def test_the_wrapped_functions_look_and_leave_as_they_were(account: Account) -> None:
    query = sdk._internal.query.Query
    assert inspect.isasyncgenfunction(query.receive_messages) and inspect.iscoroutinefunction(query.close)
    assert list(inspect.signature(query.receive_messages).parameters) == ["self"]
    instrument.uninstall()
    assert not hasattr(query.receive_messages, "__wrapped__") and not hasattr(query.close, "__wrapped__")

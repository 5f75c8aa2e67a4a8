"""xAI's SDK against a server of its own messages: what gRPC does otherwise than HTTP, and what only this SDK has."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from meter import instrument, tags
from meter.home import Home
from tests.instrument.vendors.reading import calls, classes, only, settled

grpc: Any = pytest.importorskip("grpc")
xai_sdk: Any = pytest.importorskip("xai_sdk")
proto: Any = pytest.importorskip("xai_sdk.proto")

pytestmark = pytest.mark.filterwarnings("ignore")

USAGE = {
    "prompt_tokens": 11,
    "prompt_text_tokens": 9,
    "prompt_image_tokens": 2,
    "cached_prompt_text_tokens": 3,
    "completion_tokens": 5,
    "reasoning_tokens": 2,
    "total_tokens": 18,
}
CLASSES = {"input": 6, "cache_read": 3, "input_image": 2, "output": 5, "reasoning": 2}
FIRST = {"prompt_tokens": 11, "prompt_text_tokens": 11, "completion_tokens": 1, "total_tokens": 12}
COST = 123456789
IS_NEW = hasattr(proto, "batch_pb2") and "cost_in_usd_ticks" in proto.usage_pb2.SamplingUsage.DESCRIPTOR.fields_by_name
new = pytest.mark.skipif(not IS_NEW, reason="this version has none")

REFUSED = ("INVALID_ARGUMENT", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "INTERNAL")


def outputs(message: Any) -> Any:
    """Return the answers in a message, by the name of their field in this version."""
    return message.outputs if hasattr(message, "outputs") else message.choices


def usage(**more: Any) -> Any:
    return proto.usage_pb2.SamplingUsage(**USAGE, **more)


def answer(**more: Any) -> Any:
    found = proto.chat_pb2.GetChatCompletionResponse(id="r-1", model="grok-4-0709", usage=usage(**more))
    found.created.FromSeconds(1_750_000_000)
    message = outputs(found).add(finish_reason="REASON_STOP").message
    message.content, message.role = "pong", proto.chat_pb2.ROLE_ASSISTANT
    return found


def piece(content: str, stated: Any = None, **more: Any) -> Any:
    found = proto.chat_pb2.GetChatCompletionChunk(id="r-1", model="grok-4-0709", usage=stated)
    outputs(found).add(**more).delta.content = content
    return found


class Chat(proto.chat_pb2_grpc.ChatServicer):  # type: ignore[misc]
    """Answers by the name of the model: a status of gRPC, or something of its own."""

    polls = 0

    def GetCompletion(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.refuse(request, context)
        if request.model == "slow":
            time.sleep(0.6)
        if request.model == "tools":
            tools = ["WEB_SEARCH", "WEB_SEARCH", "X_SEARCH", "CODE_EXECUTION", "COLLECTIONS_SEARCH", "MCP"]
            return answer(server_side_tools_used=[f"SERVER_SIDE_TOOL_{tool}" for tool in tools], cost_in_usd_ticks=COST)
        if request.model == "priority":
            found = answer()
            found.service_tier = "SERVICE_TIER_PRIORITY"
            return found
        return answer()

    def GetCompletionChunk(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        self.refuse(request, context)
        yield piece("po", proto.usage_pb2.SamplingUsage(**FIRST))
        if request.model == "breaks":
            context.abort(grpc.StatusCode.INTERNAL, "sorry")
        time.sleep(0.02)
        yield piece("ng")
        yield piece("", usage(), finish_reason="REASON_STOP")

    def refuse(self, request: Any, context: Any) -> None:
        if hasattr(grpc.StatusCode, request.model):
            context.abort(getattr(grpc.StatusCode, request.model), "sorry")

    def StartDeferredCompletion(self, _: Any, __: Any) -> Any:  # noqa: N802
        return proto.deferred_pb2.StartDeferredResponse(request_id="d-1")

    def GetDeferredCompletion(self, _: Any, __: Any) -> Any:  # noqa: N802
        self.polls += 1
        if self.polls == 1:
            return proto.chat_pb2.GetDeferredCompletionResponse(status="PENDING")
        return proto.chat_pb2.GetDeferredCompletionResponse(status="DONE", response=answer())

    def GetStoredCompletion(self, _: Any, __: Any) -> Any:  # noqa: N802
        return answer()

    def CompactContext(self, _: Any, __: Any) -> Any:  # noqa: N802
        return proto.chat_pb2.CompactContextResponse(id="c-1", encrypted_content="x", usage=usage())


class Image(proto.image_pb2_grpc.ImageServicer):  # type: ignore[misc]
    def GenerateImage(self, request: Any, _: Any) -> Any:  # noqa: N802
        stated = {"usage": proto.usage_pb2.SamplingUsage(cost_in_usd_ticks=COST)} if IS_NEW else {}
        images = [{"url": "http://localhost/x.png"}] * (request.n or 1)
        return proto.image_pb2.ImageResponse(model="grok-imagine", images=images, **stated)


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with ThreadPoolExecutor(8) as pool:
        server = grpc.server(pool)
        proto.chat_pb2_grpc.add_ChatServicer_to_server(Chat(), server)
        proto.image_pb2_grpc.add_ImageServicer_to_server(Image(), server)
        if IS_NEW:
            proto.batch_pb2_grpc.add_BatchMgmtServicer_to_server(batches(), server)
            proto.video_pb2_grpc.add_VideoServicer_to_server(videos(), server)
        port = server.add_secure_port("localhost:0", grpc.local_server_credentials())
        server.start()
        yield f"localhost:{port}"
        server.stop(None).wait()


def batches() -> Any:
    class Batches(proto.batch_pb2_grpc.BatchMgmtServicer):  # type: ignore[misc]
        def CreateBatch(self, _: Any, __: Any) -> Any:  # noqa: N802
            return proto.batch_pb2.Batch(batch_id="b-1")

        def ListBatchResults(self, _: Any, __: Any) -> Any:  # noqa: N802
            page = proto.batch_pb2.ListBatchResultsResponse()
            page.results.add(batch_request_id="1").response.completion_response.CopyFrom(answer())
            page.results.add(batch_request_id="2").response.completion_response.CopyFrom(answer())
            page.results.add(batch_request_id="3").error.message = "refused"
            return page

    return Batches()


def videos() -> Any:
    class Videos(proto.video_pb2_grpc.VideoServicer):  # type: ignore[misc]
        def GenerateVideo(self, _: Any, __: Any) -> Any:  # noqa: N802
            return proto.deferred_pb2.StartDeferredResponse(request_id="v-1")

        def GetDeferredVideo(self, _: Any, __: Any) -> Any:  # noqa: N802
            made = proto.video_pb2.VideoResponse(
                model="grok-video", usage=proto.usage_pb2.SamplingUsage(cost_in_usd_ticks=COST)
            )
            return proto.video_pb2.GetDeferredVideoResponse(status="DONE", response=made)

    return Videos()


NO_RETRY = [("grpc.enable_retries", 0)]


def client(host: str, **more: Any) -> Any:
    return xai_sdk.Client(api_key="xai-key", api_host=host, channel_options=NO_RETRY, **more)


def chat(client: Any, model: str = "grok-4", **more: Any) -> Any:
    made = client.chat.create(model=model, **more)
    made.append(import_module("xai_sdk.chat").user("ping"))
    return made


def waited(host: str, ask: Any, model: str = "grok-4", **more: Any) -> Any:
    """Ask with an asynchronous client."""

    async def main() -> Any:
        return await ask(chat(xai_sdk.AsyncClient(api_key="xai-key", api_host=host, channel_options=NO_RETRY), model))

    return asyncio.run(main(), **more)


async def sampled(made: Any) -> Any:
    return await made.sample()


async def streamed(made: Any) -> Any:
    return [chunk async for _, chunk in made.stream()]


def test_classes_are_disjoint_and_the_usage_is_kept_as_it_came(metered: Home, host: str) -> None:
    assert chat(client(host)).sample().content == "pong"
    line = only(metered)
    assert classes(line) == CLASSES
    assert USAGE.items() <= line["raw"].items()
    assert (line["provider"], line["api"], line["operation"]) == ("x_ai", "xai.chat", "chat")
    assert (line["request_model"], line["response_model"], line["response_id"]) == ("grok-4", "grok-4-0709", "r-1")
    assert line["server"] == host and line["key"] == hashlib.sha256(b"xai-key").hexdigest()[:12]


def test_reasoning_inside_the_output_is_taken_off_it(metered: Home, host: str, monkeypatch: Any) -> None:
    monkeypatch.setitem(USAGE, "total_tokens", 16)
    chat(client(host)).sample()
    assert classes(only(metered)) == {**CLASSES, "output": 3}


@new
def test_tools_that_ran_and_the_cost_that_was_stated(metered: Home, host: str) -> None:
    chat(client(host), "tools").sample()
    line = only(metered)
    ran = {"web_searches": 2, "social_searches": 1, "code_executions": 1, "file_searches": 1}
    assert classes(line) == {**CLASSES, **ran}
    assert (line["reported_cost"], line["reported_currency"]) == ("0.0123456789", "USD")
    assert line["raw"]["server_side_tools_used"][0] == "SERVER_SIDE_TOOL_WEB_SEARCH"


@new
def test_the_tier_that_was_asked_for_and_the_one_that_served(metered: Home, host: str) -> None:
    chat(client(host), "priority", service_tier="priority").sample()
    line = only(metered)
    assert (line["requested_tier"], line["tier"]) == ("priority", "priority")


def test_the_usage_of_a_stream_is_its_last(metered: Home, host: str) -> None:
    assert len(list(chat(client(host)).stream())) == 3
    assert len(waited(host, streamed)) == 3
    for line in calls(metered):
        assert (classes(line), line["source"], line["status"], line["chunks"]) == (CLASSES, "reported", "ok", 3)
        assert line["ttft"] > 0


def test_a_stream_left_early_is_a_lower_bound(metered: Home, host: str) -> None:
    stream = chat(client(host)).stream()
    next(stream)
    stream.close()
    line = settled(metered)
    assert (line["status"], line["source"], line["billed"]) == ("aborted", "partial", True)
    assert classes(line) == {"input": 11, "output": 1}
    assert (line["sent_chars"], line["seen_chars"]) == (4, 2)


def test_an_asynchronous_stream_left_early(metered: Home, host: str) -> None:
    async def leave(made: Any) -> None:
        async for _ in made.stream():
            break

    waited(host, leave)
    line = settled(metered)
    assert (line["status"], line["source"], line["seen_chars"]) == ("aborted", "partial", 2)


@pytest.mark.parametrize("status", REFUSED)
def test_what_the_server_refuses_is_not_billed(status: str, metered: Home, host: str) -> None:
    with pytest.raises(grpc.RpcError):
        chat(client(host), status).sample()
    with pytest.raises(grpc.RpcError):
        list(chat(client(host), status).stream())
    for ask in (sampled, streamed):
        with pytest.raises(grpc.RpcError):
            waited(host, ask, status)
    lines = calls(metered)
    assert [(line["status"], line["error"], line["billed"]) for line in lines] == [("error", status, False)] * 4
    assert [line.get("usage") for line in lines] == [None] * 4


def test_a_stream_that_breaks_may_be_billed(metered: Home, host: str) -> None:
    with pytest.raises(grpc.RpcError):
        list(chat(client(host), "breaks").stream())
    line = only(metered)
    assert (line["status"], line["error"], line["billed"], line["source"]) == ("error", "INTERNAL", True, "partial")


def test_a_time_out_may_be_billed(metered: Home, host: str) -> None:
    with pytest.raises(grpc.RpcError):
        chat(client(host, timeout=0.2), "slow").sample()
    line = only(metered)
    assert (line["status"], line["error"], line["billed"]) == ("error", "DEADLINE_EXCEEDED", True)


def test_what_was_never_sent_is_not_billed(metered: Home) -> None:
    with pytest.raises(grpc.RpcError):
        chat(client("localhost:1")).sample()
    assert (only(metered)["error"], only(metered)["billed"]) == ("UNAVAILABLE", False)


def test_a_cancelled_call_may_be_billed(metered: Home, host: str) -> None:
    async def give_up(made: Any) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(made.sample(), 0.2)

    waited(host, give_up, "slow")
    line = settled(metered)
    assert (line["status"], line["billed"], line["source"]) == ("aborted", True, "missing")


def test_a_client_made_before_is_metered_and_one_made_meanwhile_is_bare_afterwards(home: Home, host: str) -> None:
    before = client(host)
    instrument.install()
    chat(before).sample()
    meanwhile = client(host)
    stub = meanwhile.chat._stub
    instrument.uninstall()
    chat(meanwhile).sample()
    line = only(home)
    assert (classes(line), line["provider"], line.get("server")) == (CLASSES, "x_ai", None)
    assert stub.GetCompletion is vars(stub)["GetCompletion"]
    assert type(stub.GetCompletion).__module__.startswith("grpc")


def test_a_method_of_a_stub_can_do_what_it_could(metered: Home, host: str) -> None:
    stub = client(host).chat._stub
    assert stub.GetCompletion.with_call.__self__ is vars(stub)["GetCompletion"]
    with pytest.raises(AttributeError, match="nothing"):
        _ = stub.GetCompletion.nothing


def test_several_answers_are_one_call(metered: Home, host: str) -> None:
    chat(client(host)).sample_batch(1)
    assert classes(only(metered)) == CLASSES


@pytest.mark.parametrize("is_async", [False, True])
def test_what_runs_in_the_background_is_recorded_once_with_the_tags_of_its_beginning(
    is_async: bool, metered: Home, host: str
) -> None:
    Chat.polls = 0
    wait = {"interval": timedelta(milliseconds=10)}

    async def defer(made: Any) -> Any:
        return await made.defer(**wait)

    with tags(team="search"):
        found = waited(host, defer) if is_async else chat(client(host)).defer(**wait)
    assert found.content == "pong"
    line = only(metered)
    assert (classes(line), line["tags"], line["request_model"]) == (CLASSES, {"team": "search"}, "grok-4-0709")
    stub = client(host).chat._stub
    stub.GetDeferredCompletion(proto.deferred_pb2.GetDeferredRequest(request_id="d-1"))
    assert len(calls(metered)) == 1


@new
def test_an_answer_that_was_stored_is_not_counted_again(metered: Home, host: str) -> None:
    assert client(host).chat.get_stored_completion("r-1")[0].content == "pong"
    assert calls(metered) == []


@new
def test_a_compaction_is_a_call(metered: Home, host: str) -> None:
    chat(client(host)).compact()
    line = only(metered)
    assert (line["api"], classes(line), line["request_model"]) == ("xai.compact_context", CLASSES, "grok-4")


def test_images_are_counted(metered: Home, host: str) -> None:
    client(host).image.sample_batch("a cat", "grok-imagine", 2, image_format="url")
    line = only(metered)
    assert (line["operation"], classes(line)) == ("image_generation", {"images": 2})
    assert line.get("reported_cost") == ("0.0123456789" if IS_NEW else None)


@new
def test_a_video_is_recorded_when_it_is_done(metered: Home, host: str) -> None:
    made = client(host).video
    request = proto.video_pb2.GetDeferredVideoRequest(request_id="v-1")
    with tags(team="ads"):
        made._stub.GenerateVideo(proto.video_pb2.GenerateVideoRequest(prompt="a cat", model="grok-video"))
    for _ in range(2):
        made._stub.GetDeferredVideo(request)
    line = only(metered)
    assert (line["operation"], line["reported_cost"]) == ("video_generation", "0.0123456789")
    assert line["tags"] == {"team": "ads"}


@new
def test_results_of_a_batch_have_one_id_each_however_often_they_are_read(metered: Home, host: str) -> None:
    batch = client(host).batch
    with tags(team="nightly"):
        batch.create("nightly")
    for _ in range(2):
        batch.list_batch_results("b-1")
    lines = calls(metered)
    assert len(lines) == 4 and len({line["id"] for line in lines}) == 2
    assert {str(line["tags"]) for line in lines} == {"{'team': 'nightly'}"}
    assert [(classes(line), line["tier"], line["context"]) for line in lines] == [
        (CLASSES, "batch", {"processing": "batch"})
    ] * 4


def test_every_hook_of_this_version_fits(metered: Home) -> None:
    states = [state for state in instrument.hooks().values() if state.sdk == "xai_sdk"]
    assert not [state for state in states if state.broken]
    assert sum(state.state == "patched" for state in states) >= 7

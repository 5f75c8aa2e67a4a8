"""xAI's SDK: gRPC, by stubs that protobuf generated. What runs in the background or in a batch is recorded when it is fetched."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Iterator
from typing import Any

import msgspec

from meter import attribution, guard, keepsake, settings
from meter.instrument import beside, flow
from meter.instrument import facts as facts_of
from meter.instrument.facts import Facts
from meter.instrument.live import BATCH, LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.instrument.stubs import Follow, StubPatch, aside, metered, streamed
from meter.keepsake import Keepsake
from meter.providers.beside import moment
from meter.providers.model import Dialect, Provider
from meter.providers.progress import text
from meter.providers.watching import watcher_of
from meter.providers.xai_grpc import CHAT, COMPACT, IMAGES, VIDEO, Chunk, Output, enum_name, json_of, sent

GENERATED = ("xai_sdk.proto.v5", "xai_sdk.proto.v6")
"""The same stubs for two generations of protobuf, of which one is imported."""

KEY_VARIABLE = "XAI_API_KEY"
FIELDS = ("chat", "image", "video", "batch")
"""Parts of a client that have a stub."""

DONE = "DONE"


class Origin:
    """Whose calls those of a stub are: a stub knows neither its address nor its key."""

    def __init__(self, host: str, api_key: str | None) -> None:
        self.address, self.api_key = f"//{host}" if host else "", api_key


UNKNOWN = Origin("", None)
"""Of clients that were made before metering was switched on."""

_origins: weakref.WeakKeyDictionary[Any, Origin] = weakref.WeakKeyDictionary()


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched: the methods of four stubs, and what makes a client, for its address and its key."""
    side = Side(provider)
    clients = [
        Patch(provider, module, "Client._init", wrap_init, ("api_key", "api_host")) for module in provider.modules
    ]
    return [*clients, *(patch for folder in GENERATED for patch in _stubs(provider, side, folder))]


def _stubs(provider: Provider, side: Side, folder: str) -> Iterator[Patch]:
    def call(dialect: Dialect) -> Follow:
        return metered(side, functools.partial(start, dialect), read)

    def later(file: str, name: str, follow: Follow) -> Patch:
        return StubPatch(provider, f"{folder}.{file}_pb2_grpc", name, follow, is_later=True)

    chat = f"{folder}.chat_pb2_grpc"
    stream = metered(side, functools.partial(start, CHAT), streamed(watch))
    yield StubPatch(provider, chat, "ChatStub.GetCompletion", call(CHAT))
    yield StubPatch(provider, chat, "ChatStub.GetCompletionChunk", stream)
    yield StubPatch(provider, chat, "ChatStub.StartDeferredCompletion", aside(side, started))
    yield StubPatch(
        provider, chat, "ChatStub.GetDeferredCompletion", aside(side, functools.partial(settled, dialect=CHAT))
    )
    yield later("chat", "ChatStub.CompactContext", call(COMPACT))
    yield later("image", "ImageStub.GenerateImage", call(IMAGES))
    yield later("video", "VideoStub.GenerateVideo", aside(side, started))
    yield later("video", "VideoStub.ExtendVideo", aside(side, started))
    yield later("video", "VideoStub.GetDeferredVideo", aside(side, functools.partial(settled, dialect=VIDEO)))
    yield later("batch", "BatchMgmtStub.CreateBatch", aside(side, created))
    yield later("batch", "BatchMgmtStub.ListBatchResults", aside(side, results))
    yield later("batch", "BatchMgmtStub.GetBatchRequestResult", aside(side, result))


def wrap_init(bare: Any) -> Any:
    """Wrap what gives a client its parts: their stubs are remembered with its address and its key."""

    @functools.wraps(bare)
    def _init(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = bare(self, *args, **kwargs)
        with guard.shield("client"):
            given = inspect.signature(bare).bind(self, *args, **kwargs).arguments
            key = given.get("api_key") or settings.environ().get(KEY_VARIABLE)
            origin = Origin(str(given["api_host"]).rpartition("/")[2], key)
            for name in FIELDS:
                if (stub := getattr(getattr(self, name, None), "_stub", None)) is not None:
                    _origins[stub] = origin
        return made

    return _init


def _facts(side: Side, stub: Any) -> Facts:
    return facts_of.of(_origins.get(stub, UNKNOWN), side.provider)


def start(dialect: Dialect, side: Side, stub: Any, args: tuple[Any, ...], _: dict[str, Any]) -> LiveCall:
    """Begin a call from its request."""
    (request,) = args
    call = flow.begin(side, _origins.get(stub, UNKNOWN), dialect, sent(request))
    call.record.requested_tier = enum_name(request, "service_tier")
    return call


def read(call: LiveCall, message: Any) -> None:
    """Read an answer. It is whole and plain, so it goes straight into the record: that halves what reading costs."""
    found, record = json_of(message), call.record
    call.complete = True
    record.response_id, record.response_model = text(found["id"]), text(found["model"])
    record.tier, record.raw = found.get("service_tier"), found.get("usage")
    if "images" in found:
        call.fees = {"images": found["images"]}


def watch(call: Any, message: Any) -> bool:
    """Read one piece of a streamed answer; most have nothing but text."""
    try:
        parts = message.outputs
    except AttributeError:
        parts = message.choices  # as it was called at first
    if call.introduced and not message.HasField("usage"):
        call.chunks += 1
        for part in parts:
            if written := _text(part.delta):
                call.saw_text(written)
        return False
    outputs = [Output(_text(part.delta), part.finish_reason) for part in parts]
    return watcher_of(CHAT)(call, Chunk(**json_of(message), outputs=outputs))


def _text(delta: Any) -> str:
    written: str = delta.content + delta.reasoning_content
    return written + "".join([made.function.arguments for made in delta.tool_calls]) if delta.tool_calls else written


def started(_: Side, __: Any, ___: Any, reply: Any) -> None:
    """Something was begun that goes on by itself: remember by whom."""
    keepsake.keep(Keepsake(reply.request_id, dict(attribution.current())))


def settled(side: Side, stub: Any, request: Any, reply: Any, *, dialect: Dialect) -> None:
    """It was asked for. The first time that it is done it is recorded."""
    name = request.request_id
    if enum_name(reply, "status") != DONE.lower() or keepsake.recall(keepsake.metered(name)) is not None:
        return
    _put(side, stub, dialect, reply.response, name, keepsake.recall(name))
    keepsake.keep(Keepsake(keepsake.metered(name)))


def created(_: Side, __: Any, ___: Any, batch: Any) -> None:
    """A batch was made: remember by whom."""
    at = moment(batch.create_time.seconds)
    keepsake.keep(Keepsake(batch.batch_id, dict(attribution.current()), created=at))


def results(side: Side, stub: Any, request: Any, page: Any) -> None:
    """Results of a batch were fetched; the ledger takes each once, however often they are."""
    kept = keepsake.recall(request.batch_id)
    for line in page.results:
        _line(side, stub, request.batch_id, line, kept)


def result(side: Side, stub: Any, request: Any, reply: Any) -> None:
    """One result of a batch was fetched."""
    _line(side, stub, request.batch_id, reply.result, keepsake.recall(request.batch_id))


ANSWERS = (("completion_response", CHAT), ("image_response", IMAGES), ("video_response", VIDEO))


def _line(side: Side, stub: Any, batch: str, line: Any, kept: Keepsake | None) -> None:
    for field, dialect in ANSWERS:
        if line.HasField("response") and line.response.HasField(field):
            message = getattr(line.response, field)
            _put(side, stub, dialect, message, f"{batch} {line.batch_request_id}", kept, BATCH)


def _put(
    side: Side, stub: Any, dialect: Dialect, message: Any, name: str, kept: Keepsake | None, processing: str = ""
) -> None:
    made = moment(message.created.seconds) if "created" in message.DESCRIPTOR.fields_by_name else None
    at = made or (kept.created if kept is not None else None) or 0
    beside.put(dialect, msgspec.json.encode(json_of(message)), _facts(side, stub), name, at, kept, processing)

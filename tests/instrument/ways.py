"""The ways of calling that the transparency suite compares, each as the caller writes it: bare and metered must look alike.

A way takes a client's resource and arguments, and returns what the caller saw.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.instrument.sdks import awaited, masked, show

Seen = list[str]


def create(resource: Any, ask: dict[str, Any]) -> Seen:
    return [show(resource.create(**ask))]


def stream_for(resource: Any, ask: dict[str, Any]) -> Seen:
    stream = resource.create(stream=True, **ask)
    return [kind(stream), *[show(event) for event in stream], str(stream.response.is_closed)]


def stream_next(resource: Any, ask: dict[str, Any]) -> Seen:
    stream, seen = resource.create(stream=True, **ask), []
    while (event := next(stream, None)) is not None:
        seen.append(show(event))
    return seen


def early_close(resource: Any, ask: dict[str, Any]) -> Seen:
    with resource.create(stream=True, **ask) as stream:
        seen = [show(next(stream))]
    return [*seen, str(stream.response.is_closed), kind(stream.response)]


def early_drop(resource: Any, ask: dict[str, Any]) -> Seen:
    stream = resource.create(stream=True, **ask)
    response, seen = stream.response, [show(next(stream))]
    del stream
    gc.collect()
    return [*seen, kind(response)]


def never_read(resource: Any, ask: dict[str, Any]) -> Seen:
    stream = resource.create(stream=True, **ask)
    seen = [kind(stream)]
    del stream
    gc.collect()
    return seen


def raw_parse(resource: Any, ask: dict[str, Any]) -> Seen:
    answer = resource.with_raw_response.create(**ask)
    return [kind(answer), str(answer.status_code), show(answer.parse()), show(answer.parse())]


def raw_status(resource: Any, ask: dict[str, Any]) -> Seen:
    return [str(resource.with_raw_response.create(**ask).status_code)]


def raw_stream(resource: Any, ask: dict[str, Any]) -> Seen:
    return [show(event) for event in resource.with_raw_response.create(stream=True, **ask).parse()]


def streaming_parse(resource: Any, ask: dict[str, Any]) -> Seen:
    with resource.with_streaming_response.create(**ask) as answer:
        return [kind(answer), show(answer.parse())]


def streaming_json(resource: Any, ask: dict[str, Any]) -> Seen:
    with resource.with_streaming_response.create(**ask) as answer:
        return [masked(json.dumps(answer.json()))]


def streaming_lines(resource: Any, ask: dict[str, Any]) -> Seen:
    with resource.with_streaming_response.create(stream=True, **ask) as answer:
        return [masked(line) for line in answer.iter_lines()]


def streaming_events(resource: Any, ask: dict[str, Any]) -> Seen:
    with resource.with_streaming_response.create(stream=True, **ask) as answer:
        return [show(event) for event in answer.parse()]


def streaming_early(resource: Any, ask: dict[str, Any]) -> Seen:
    with resource.with_streaming_response.create(stream=True, **ask) as answer:
        return [masked(next(iter(answer.iter_lines())))]


def streaming_unread(resource: Any, ask: dict[str, Any]) -> Seen:
    with resource.with_streaming_response.create(**ask) as answer:
        return [str(answer.status_code)]


async def a_create(resource: Any, ask: dict[str, Any]) -> Seen:
    return [show(await resource.create(**ask))]


async def a_stream_for(resource: Any, ask: dict[str, Any]) -> Seen:
    stream = await resource.create(stream=True, **ask)
    return [kind(stream), *[show(event) async for event in stream], str(stream.response.is_closed)]


async def a_early_close(resource: Any, ask: dict[str, Any]) -> Seen:
    async with await resource.create(stream=True, **ask) as stream:
        seen = [show(await stream.__anext__())]
    return [*seen, str(stream.response.is_closed), kind(stream.response)]


async def a_early_drop(resource: Any, ask: dict[str, Any]) -> Seen:
    stream = await resource.create(stream=True, **ask)
    seen = [show(await stream.__anext__())]
    del stream
    gc.collect()
    await asyncio.sleep(0.01)  # the loop closes dropped generators in a task of its own
    return seen


async def a_never_read(resource: Any, ask: dict[str, Any]) -> Seen:
    stream = await resource.create(stream=True, **ask)
    seen = [kind(stream)]
    del stream
    gc.collect()
    return seen


async def a_raw_parse(resource: Any, ask: dict[str, Any]) -> Seen:
    answer = await resource.with_raw_response.create(**ask)
    return [kind(answer), str(answer.status_code), show(await awaited(answer.parse()))]


async def a_raw_status(resource: Any, ask: dict[str, Any]) -> Seen:
    return [str((await resource.with_raw_response.create(**ask)).status_code)]


async def a_raw_stream(resource: Any, ask: dict[str, Any]) -> Seen:
    stream = await awaited((await resource.with_raw_response.create(stream=True, **ask)).parse())
    return [show(event) async for event in stream]


async def a_streaming_parse(resource: Any, ask: dict[str, Any]) -> Seen:
    async with resource.with_streaming_response.create(**ask) as answer:
        return [kind(answer), show(await answer.parse())]


async def a_streaming_json(resource: Any, ask: dict[str, Any]) -> Seen:
    async with resource.with_streaming_response.create(**ask) as answer:
        return [masked(json.dumps(await answer.json()))]


async def a_streaming_lines(resource: Any, ask: dict[str, Any]) -> Seen:
    async with resource.with_streaming_response.create(stream=True, **ask) as answer:
        return [masked(line) async for line in answer.iter_lines()]


async def a_streaming_events(resource: Any, ask: dict[str, Any]) -> Seen:
    async with resource.with_streaming_response.create(stream=True, **ask) as answer:
        return [show(event) async for event in await answer.parse()]


async def a_streaming_early(resource: Any, ask: dict[str, Any]) -> Seen:
    async with resource.with_streaming_response.create(stream=True, **ask) as answer:
        async for line in answer.iter_lines():
            return [masked(line)]
    return []


async def a_streaming_unread(resource: Any, ask: dict[str, Any]) -> Seen:
    async with resource.with_streaming_response.create(**ask) as answer:
        return [str(answer.status_code)]


async def a_cancel_request(resource: Any, ask: dict[str, Any]) -> Seen:
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(resource.create(**{**ask, "model": "slow"}), 0.1)
    return []


async def a_cancel_stream(resource: Any, ask: dict[str, Any]) -> Seen:
    async def read() -> None:
        async for _ in await resource.create(stream=True, **ask):
            pass

    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(read(), 0.25)
    return []


def kind(thing: Any) -> str:
    """Return the name of a thing's class, and those of its bases: an `isinstance` must answer as before."""
    names = dict.fromkeys(f"{base.__module__}.{base.__qualname__}" for base in type(thing).__mro__)
    return " ".join(names)


Way = Callable[[Any, dict[str, Any]], Any]

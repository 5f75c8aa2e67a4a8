"""Tags: whoever runs inside the block is named, and nobody else."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import threading
import types
from collections.abc import AsyncIterator, Generator, Iterator

import pytest

import meter
from meter import guard, settings
from meter.attribution import carry, current, tags, trace
from meter.home import Home
from meter.tagging import MAX_TAGS, bounded
from tests.conftest import lines_of


def test_tags_hold_inside_the_block_only() -> None:
    assert current() == {}
    with tags(team="search"):
        assert current() == {"team": "search"}
    assert current() == {}


def test_the_inner_value_wins_and_the_outer_returns() -> None:
    with tags(team="search", feature="answers"):
        with tags(team="ads"):
            assert current() == {"team": "ads", "feature": "answers"}
        assert current() == {"team": "search", "feature": "answers"}


def test_an_exception_passes_and_takes_the_tags_along() -> None:
    with pytest.raises(KeyError), tags(team="search"):
        raise KeyError
    assert current() == {}


def test_the_environment_tags_the_whole_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METER_TAGS", "team=search, env=prod")
    settings.reset()
    assert current() == {"team": "search", "env": "prod"}
    with tags(env="dev"):
        assert current() == {"team": "search", "env": "dev"}


def test_a_function_is_tagged_while_it_runs() -> None:
    @tags(team="search")
    def work(extra: int) -> tuple[int, dict[str, str]]:
        "Docstring."
        return extra, current()

    assert work(3) == (3, {"team": "search"})
    assert (work.__name__, work.__doc__) == ("work", "Docstring.")
    assert current() == {}


def test_methods_of_every_kind_are_tagged() -> None:
    class Worker:
        @tags(team="search")
        def plain(self) -> tuple[object, dict[str, str]]:
            return type(self), current()

        @tags(team="search")
        @staticmethod
        def static(extra: int) -> tuple[int, dict[str, str]]:
            return extra, current()

        @tags(team="search")
        @classmethod
        def of_class(cls) -> tuple[object, dict[str, str]]:
            return cls, current()

        @tags(team="search")
        @staticmethod
        async def waiting() -> dict[str, str]:
            return current()

    found = {"team": "search"}
    assert Worker().plain() == Worker.of_class() == Worker().of_class() == (Worker, found)
    assert Worker.static(3) == Worker().static(3) == (3, found)
    assert asyncio.run(Worker.waiting()) == found
    assert inspect.iscoroutinefunction(Worker.waiting)


def test_an_object_that_is_called_is_tagged_as_what_its_call_is() -> None:
    class Now:
        def __call__(self) -> dict[str, str]:
            return current()

    class Later:
        async def __call__(self) -> dict[str, str]:
            await asyncio.sleep(0)
            return current()

    class Each:
        def __call__(self) -> Iterator[dict[str, str]]:
            yield current()

    tagged = tags(team="search")
    assert tagged(Now())() == asyncio.run(tagged(Later())()) == next(tagged(Each())()) == {"team": "search"}
    assert asyncio.run(tagged(functools.partial(Later().__call__))()) == {"team": "search"}


def test_a_coroutine_is_tagged_and_its_neighbours_are_not() -> None:
    @tags(team="search")
    async def tagged() -> dict[str, str]:
        await asyncio.sleep(0)
        return current()

    async def plain() -> dict[str, str]:
        await asyncio.sleep(0)
        return current()

    async def both() -> list[dict[str, str]]:
        return list(await asyncio.gather(tagged(), plain(), tagged()))

    assert asyncio.run(both()) == [{"team": "search"}, {}, {"team": "search"}]


def test_one_block_object_serves_many_tasks_at_once() -> None:
    shared = tags(team="search")

    async def enter(turns: int) -> dict[str, str]:
        async with shared:
            for _ in range(turns):
                await asyncio.sleep(0)
            inside = current()
        return {**inside, "left": str(current())}

    async def race() -> list[dict[str, str]]:
        return list(await asyncio.gather(*(enter(turns) for turns in (5, 1, 3))))

    assert asyncio.run(race()) == [{"team": "search", "left": "{}"}] * 3


def test_a_task_and_to_thread_inherit_tags_and_a_bare_thread_does_not() -> None:
    seen: dict[str, dict[str, str]] = {}

    async def main() -> None:
        with tags(team="search"):
            task = asyncio.create_task(asyncio.to_thread(current))
        seen["to_thread"] = await task

    asyncio.run(main())
    with tags(team="search"):
        thread = threading.Thread(target=lambda: seen.update(thread=current()))
        thread.start()
        thread.join()
    assert seen == {"to_thread": {"team": "search"}, "thread": {}}


def test_carried_tags_come_back_on_the_other_side() -> None:
    with tags(team="search"):
        carried = carry()
    carried["hop"] = "queue"
    with tags(**carried):
        assert current() == {"team": "search", "hop": "queue"}


def test_a_tagged_generator_lends_its_tags_to_nobody() -> None:
    @tags(team="search")
    def numbers() -> Iterator[dict[str, str]]:
        yield current()
        yield current()

    stream = numbers()
    assert next(stream) == {"team": "search"}
    assert current() == {}
    with tags(team="ads"):
        assert next(stream) == {"team": "search"}
        assert current() == {"team": "ads"}
    assert list(stream) == []


def test_a_tagged_generator_still_sends_throws_and_closes() -> None:
    log: list[object] = []

    @tags(team="search")
    def echo() -> Generator[str, str, None]:
        try:
            log.append((yield "ready"))
            yield "sent"
        except ValueError as error:
            log.append(error)
            yield "thrown"
        finally:
            log.append(current())

    stream = echo()
    assert (next(stream), stream.send("hello")) == ("ready", "sent")
    assert stream.throw(ValueError("oops")) == "thrown"
    stream.close()
    assert log[0] == "hello"
    assert isinstance(log[1], ValueError)
    assert log[2] == {"team": "search"}


def test_a_tagged_async_generator_lends_its_tags_to_nobody() -> None:
    @tags(team="search")
    async def numbers() -> AsyncIterator[dict[str, str]]:
        yield current()
        await asyncio.sleep(0)
        yield current()

    async def consume() -> list[dict[str, str]]:
        found = []
        async for item in numbers():
            found += [item, current()]
        return found

    assert asyncio.run(consume()) == [{"team": "search"}, {}, {"team": "search"}, {}]


def test_a_block_closed_in_another_context_breaks_nothing() -> None:
    import contextvars

    block = tags(team="search")
    contextvars.copy_context().run(block.__enter__)
    block.__exit__(None, None, None)
    assert current() == {}


class Hostile:
    """A value whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_odd_values_become_text_or_are_left_out_and_counted() -> None:
    assert bounded({"n": 3, "none": None, "bytes": b"x", "bad": Hostile(), "\ud800": "\udfff"}) == {
        "n": "3",
        "bytes": "b'x'",
        "?": "?",
    }
    assert guard.failures["tags.value"] == 1


def test_a_megabyte_is_cut_and_a_thousand_tags_are_capped_and_counted() -> None:
    with tags(big="x" * 1_000_000, **{f"k{number}": "v" for number in range(1000)}):
        assert len(current()) == MAX_TAGS
        assert len(current()["big"]) == 256
    assert guard.failures["tags.cut"] > 0


def test_nested_blocks_cannot_exceed_the_cap_either() -> None:
    with tags(**{f"a{number}": "v" for number in range(MAX_TAGS)}), tags(one_more="v"):
        assert len(current()) == MAX_TAGS
    assert guard.failures["tags.too_many"] == 1


def test_a_trace_module_that_is_not_whole_yet_is_counted_and_the_call_is_recorded(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", types.ModuleType("opentelemetry.trace"))
    assert trace() is None
    assert meter.record(provider="openai", model="m", usage={"input": 1})
    assert meter.outcome("done")
    assert guard.failures == {"trace": 3}
    assert len(lines_of(home)) == 3  # the first says who writes


def test_the_trace_is_that_of_the_span_in_force() -> None:
    otel = pytest.importorskip("opentelemetry.trace")
    assert trace() is None
    context = otel.SpanContext(trace_id=10, span_id=11, is_remote=False)
    with otel.use_span(otel.NonRecordingSpan(context)):
        assert trace() == (f"{10:032x}", f"{11:016x}")
    with otel.use_span(otel.NonRecordingSpan(otel.SpanContext(0, 0, is_remote=False))):
        assert trace() is None

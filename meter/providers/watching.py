"""Reading the events of a stream as they pass. A watcher sees every event, so it touches only what it needs: asking an SDK's
object for an attribute that it lacks costs 2 µs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

import msgspec

from meter.providers.model import Answer, Dialect, Events
from meter.providers.progress import Progress, error_code
from meter.providers.reading import UNREADABLE, dig, digits, gathers, look, plain

Watcher = Callable[[Any, Any], bool]
"""Takes the progress and one event; says whether the caller must not see the event."""

Getter = Callable[[Any], Any]

UNNAMED = 3
"""So many events of a stream are asked for its id: Azure's first one, on the prompt's filters, has none."""


@functools.cache
def watcher_of(dialect: Dialect) -> Watcher:
    """Return what reads the events of the dialect's streams."""
    events = dialect.events
    if events is None:
        return _count
    return _untyped(events) if "" in events.answers else _typed(events)


@functools.cache
def decoder_of(dialect: Dialect) -> Callable[[bytes], Any]:
    """Return what reads an event from its bytes; it gives None for what is no event."""
    shape = dialect.events.event if dialect.events else msgspec.Struct
    decode = msgspec.json.Decoder(shape, float_hook=digits).decode

    def event(data: bytes) -> Any:
        try:
            return decode(data)
        except UNREADABLE:  # "[DONE]", for one
            return None

    return event


def _count(progress: Progress, _: Any) -> bool:
    progress.chunks += 1
    return False


def _untyped(events: Events) -> Watcher:
    """Watch events that are all of one shape; the last that states usage has no items left."""
    items = attrgetter(events.items)
    usage_of = _usage_of(events)
    holder, _, first = events.texts[""][0].rpartition(".")
    held = attrgetter(holder) if holder else _itself
    text_of = attrgetter(first)
    places = [path.removeprefix(f"{holder}.") for path in events.texts[""]]
    finders = {path.partition(".")[0].removesuffix("[]"): finder(path) for path in places}
    more_of = _more_of(finders, first)

    def watch(progress: Progress, event: Any) -> bool:
        try:
            usage = usage_of(event)
            listed = items(event)
        except AttributeError:  # `cast_to=object` gives dicts; a chunk of usage alone may have no items
            if isinstance(event, dict):
                return _watch_dict(progress, event, events, watch)
            usage, listed = look(event, "usage"), look(event, events.items)
        if (usage is not None or not progress.introduced) and _state(progress, event, usage, listed):
            return True
        if progress.asked and usage is None:
            forget_usage(event)
        progress.chunks += 1
        if listed is None and (error := look(event, "error")):
            progress.trouble = error_code(error)
        for item in listed or ():
            try:
                piece = held(item)
                text = text_of(piece)
                if more := more_of(piece):
                    _watch_texts(progress, piece, finders, more)
                    continue
            except AttributeError:  # not of the SDK's making, or of pydantic 1
                _watch_texts(progress, look(item, holder) if holder else item, finders, finders)
                continue
            if text and progress.seen and type(text) is str:
                progress.seen += len(text)
            elif text:
                progress.saw_text(text)
        return False

    return watch


def _more_of(finders: Mapping[str, Getter], first: str) -> Callable[[Any], Iterable[str]]:
    """Return what names the fields of a piece that may hold text, if it may lie elsewhere than in the first of them.

    It raises AttributeError for a piece that is neither of an SDK's making nor of a wire's bytes.
    """
    others = finders.keys() - {first}
    fields = attrgetter(*others, first)

    def more(piece: Any) -> Iterable[str]:
        if isinstance(piece, msgspec.Struct):
            return finders if others and any(fields(piece)[:-1]) else ()
        stated, extra = piece.__pydantic_fields_set__, piece.__pydantic_extra__
        return [*stated, *(extra or ())] if extra or not others.isdisjoint(stated) else ()

    return more


def _usage_of(events: Events) -> Getter:
    """Return what finds the usage in an untyped event; it raises AttributeError for what is no event."""
    if issubclass(events.event, Answer) and gathers(events.event):
        return lambda event: event.stated()
    if not events.beside:
        return attrgetter("usage")
    beside = attrgetter(events.beside)

    def find(event: Any) -> Any:
        usage = event.usage
        if usage is None and (part := beside(event)) is not None:
            return look(part, "usage")
        return usage

    return find


def _state(progress: Progress, event: Any, usage: Any, listed: Any) -> bool:
    """Read the first events, and those that state usage. One that has nothing else is hidden, if it was we who asked."""
    try:
        progress.take(event, usage)
    except Exception:  # noqa: BLE001 - counted: whatever it says, what we asked for stays hidden
        progress.fault("stream.usage")
    progress.introduced = progress.chunks >= UNNAMED or progress.record.response_id is not None
    if usage is None:
        return False
    if error := look(event, "error"):
        progress.trouble = error_code(error)
    if listed:
        progress.finished += sum(1 for item in listed if look(item, "finish_reason"))
    progress.complete = not listed or (progress.finished > 0 and progress.finished >= progress.answers())
    return progress.asked and not listed


def _typed(events: Events) -> Watcher:
    """Watch events that say of what kind they are."""
    answers, final, errors, stops = events.answers, events.final, events.errors, events.stops
    texts = {kind: [getter(path) for path in paths] for kind, paths in events.texts.items()}
    kind_of = attrgetter(events.kind)

    def watch(progress: Progress, event: Any) -> bool:
        try:
            kind = kind_of(event)
        except AttributeError:
            return _watch_dict(progress, event, events, watch) if isinstance(event, dict) else False
        progress.chunks += 1
        getters = texts.get(kind)
        if getters is not None:
            text = getters[progress.text_at](event)
            if text and progress.seen and type(text) is str:
                progress.seen += len(text)
            elif text:
                progress.saw_text(text)
            else:
                _watch_text(progress, event, getters)
            return False
        place = answers.get(kind)
        if place is not None:
            stated = progress.take(getattr(event, place) if place else event)
            if kind in final:
                progress.ended = True
                progress.complete = progress.complete or stated
        if kind in stops:
            progress.stopped = True
        if kind in errors:
            progress.trouble = dig(plain(event), tuple(errors[kind].split("."))) or kind
        return False

    return watch


def _watch_texts(progress: Progress, piece: Any, finders: Mapping[str, Getter], fields: Iterable[str]) -> None:
    """Count all texts of one piece: several may come in it, and each was generated."""
    for name in fields:
        if name in finders and (text := finders[name](piece)):
            progress.saw_text(text)


def _watch_text(progress: Progress, thing: Any, getters: list[Getter]) -> None:
    for at, get in enumerate(getters):
        if text := get(thing):
            progress.saw_text(text)
            progress.text_at = at
            return


def _watch_dict(progress: Progress, event: dict[str, Any], events: Events, watch: Watcher) -> bool:
    if progress.asked and event.get("usage", 0) is None:
        del event["usage"]
    return watch(progress, msgspec.convert(event, events.event, strict=False))


def forget_usage(event: Any) -> None:
    """The option makes servers send `"usage": null` with every chunk; without it the field would be unset."""
    if isinstance(event, msgspec.Struct):
        return  # read from a wire's bytes: what the caller gets is another's
    try:
        event.__pydantic_fields_set__.discard("usage")
    except AttributeError:
        getattr(event, "__fields_set__", set()).discard("usage")  # pydantic 1


def veil(event: Any) -> bool:
    """Undo what asking for usage does to an event; say whether the caller must not see it at all."""
    if look(event, "usage") is None:
        forget_usage(event)
        return False
    return not look(event, "choices")


def getter(path: str) -> Getter:
    """Return what finds the text at a path where there is almost always one; else None, slowly."""
    get = attrgetter(path)

    def find(thing: Any) -> Any:
        try:
            return get(thing)
        except AttributeError:
            return None

    return find


def finder(path: str) -> Getter:
    """Return what finds the text at a path, or in each item of a list (`tool_calls[].function.arguments`), or None."""
    head, _, tail = path.partition("[].")
    if not tail:
        steps = head.split(".")
        return lambda thing: functools.reduce(look, steps, thing)
    inner = getter(tail)
    return lambda thing: [inner(item) for item in look(thing, head) or ()]


def _itself(thing: Any) -> Any:
    return thing

"""From a usage object to disjoint classes, by a dialect's table. Knows no SDK, so that history can be read again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from meter import guard
from meter.providers.counting import compiled
from meter.providers.model import Answer, Dialect

Json = dict[str, Any]
Number = int | float
Path = tuple[str, ...]

NEVER_BESIDE = frozenset({"cache_read"})
"""Parts that every wire with a grand total counts inside their own."""

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class Reader:
    """A dialect's table, made ready once: shapes and their decoders, and the function that counts."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        fields = dialect.answer.__struct_fields__
        self.names = dict(zip(fields, dialect.answer.__struct_encode_fields__, strict=True))
        """Our name of an answer's field → the wire's."""
        self.gathers = gathers(dialect.answer)
        if self.gathers:
            self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(dialect.answer, float_hook=digits).decode
        else:  # Raw keeps the usage object as the provider wrote it, digit by digit.
            usage = [("usage", msgspec.Raw, msgspec.Raw())]
            body = msgspec.defstruct("Body", usage, bases=(dialect.answer,), rename=self.names)
            self.decode = msgspec.json.Decoder(body).decode
        shape, self._classes = compiled(dialect)
        self.stated: Callable[[Any], Any] = msgspec.json.Decoder(shape).decode
        self._shaped = functools.partial(msgspec.convert, type=shape)
        self._counts = [
            (_path(count.path), count.rest, [(name, [_path(p) for p in paths]) for name, paths in count.parts.items()])
            for count in dialect.counts
        ]
        self._total = _path(dialect.total)
        self.fees = [(name, _path(path)[0], _path(path)[1:]) for name, path in dialect.fees.items()]
        self.tells_fees = bool(self.fees or dialect.executed)
        self.costs = [(_path(path), power) for path, power in dialect.cost.items()]
        self.fields = tuple(dialect.fields.items())

    def ending(self, content: bytes) -> Any:
        """Read what stands around the list that makes an answer long; None if its usage is not behind it."""
        try:
            found = self.decode(b"{" + content[content.rfind(b"]") + 1 :].lstrip(b" \r\n\t,"))
        except UNREADABLE:
            return None
        if not found.usage:
            return None
        if found.id is None or found.model is None:
            self._take_beginning(found, content)
        return found

    def _take_beginning(self, found: Any, content: bytes) -> None:
        """Take what stands before the list, as if that were empty."""
        try:
            head = self.decode(content[: content.find(b"[")] + b"[]}")
        except UNREADABLE:
            return
        for name in ("id", "model", "service_tier"):
            if getattr(found, name) is None:
                setattr(found, name, getattr(head, name))

    def shaped(self, answer: Json) -> Any:
        """Return an answer that is given as a dict in its shape; a field that is not what it should be stays what it is."""
        if self.gathers:
            try:
                return msgspec.convert(answer, self.dialect.answer, strict=False)
            except UNREADABLE:
                return self.dialect.answer()
        return self.dialect.answer(**{name: answer[wire] for name, wire in self.names.items() if wire in answer})

    def classes(self, usage: Any) -> dict[str, Number]:
        """Return the count of each class. What the provider does not state is left out; a stated 0 is 0."""
        if self.dialect.prepare is not None:
            usage = self.dialect.prepare(as_object(usage))
        try:
            found = self._classes(self._shaped(usage) if type(usage) is dict else self.stated(usage))
        except UNREADABLE:
            found = None
        if found is None:
            found = self.classes_with_care(as_object(usage))
        for name in self.dialect.never:
            found.setdefault(name, 0)
        return found

    def classes_with_care(self, usage: Json) -> dict[str, Number]:
        """Do the same where the numbers do not add up: a side is not stated, a part lies beside its total or exceeds it."""
        found: dict[str, Number] = {}
        totals = [number(dig(usage, path)) for path, _, _ in self._counts]
        grand = number(dig(usage, self._total)) if self._total else None
        gap = None if grand is None else grand - sum([total for total in totals if total is not None])
        if gap is not None and gap >= 0 and totals.count(None) == 1 and len(totals) > 1:
            totals[totals.index(None)], gap = gap, None
        for (_, rest, parts), total in zip(self._counts, totals, strict=True):
            left = total
            for name, paths in parts:
                part = _first(usage, paths)
                if part is None:
                    continue
                if part == gap and part and name not in NEVER_BESIDE:
                    gap = None  # exactly this part is missing from the sum of the totals, so it lies beside them
                elif left is not None:
                    if part > left:
                        guard.note("usage.parts_exceed_total")
                        part = left
                    left -= part
                found[name] = part
            if left is not None:
                found[rest] = left
        return found


def gathers(shape: type[Answer]) -> bool:
    """Say whether a wire has no usage object of its own, so that its counts are gathered from an answer."""
    return shape.stated is not Answer.stated


def digits(text: str) -> msgspec.Raw:
    """Keep a number with a point or an exponent as it was written: it never passes through a double."""
    return msgspec.Raw(text.encode())


SCALARS = frozenset({int, str, float, bool, type(None)})


def plain(thing: Any) -> Any:
    """Return an SDK's object as the JSON it was made from: only what the provider stated, nulls included."""
    kind = type(thing)
    if kind in SCALARS:
        return thing
    if kind is dict or isinstance(thing, Mapping):
        return {name: value if type(value) in SCALARS else plain(value) for name, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [plain(value) for value in thing]
    if isinstance(thing, msgspec.Struct):
        return msgspec.to_builtins(thing)
    stated = getattr(thing, "__pydantic_fields_set__", None)
    if stated is None and (stated := getattr(thing, "__fields_set__", None)) is None:  # pydantic 1
        return thing
    values: Mapping[str, Any] = vars(thing)
    found = {
        name: value if type(value) in SCALARS else plain(value) for name, value in values.items() if name in stated
    }
    if extra := getattr(thing, "__pydantic_extra__", None):
        found.update((name, plain(value)) for name, value in extra.items())
    return found


def look(thing: Any, name: str) -> Any:
    """Return a field of an SDK's object without a detour over its `__getattr__`, which is slow; None if it has none."""
    if isinstance(thing, msgspec.Struct):
        return getattr(thing, name, None)
    values = thing if isinstance(thing, dict) else getattr(thing, "__dict__", None) or {}
    if name in values:
        return values[name]
    extra = getattr(thing, "__pydantic_extra__", None)
    return extra.get(name) if extra else None


def as_object(usage: Any) -> Json:
    """Return a usage object as a dict, however it is given; an empty one if it is no object."""
    if type(usage) is dict:
        return usage
    try:
        return _decode_object(usage)
    except UNREADABLE:
        return {}


_decode_object = msgspec.json.Decoder(Json, float_hook=digits).decode


def merge(old: Any, new: Any) -> Any:
    """Usage in streams is cumulative: of each field, nested ones too, the last value that is not null holds."""
    if type(old) is not dict or type(new) is not dict:
        return new
    return {
        **old,
        **{
            name: merge(old.get(name), value) if type(value) is dict else value
            for name, value in new.items()
            if value is not None
        },
    }


def number(value: Any) -> Number | None:
    """Return a count, or None for what is none. Text and truth values are none."""
    if type(value) is int:
        return value
    if isinstance(value, float | msgspec.Raw):
        exact = Decimal(repr(value) if isinstance(value, float) else bytes(value).decode())
        if exact.is_finite() and abs(exact) < 10**15:
            return int(exact) if exact == int(exact) else float(exact)
    return None


def exact(value: Any, power: int = 0) -> str | None:
    """Return an amount times a power of ten as a plain decimal number, digit by digit as stated; None for what is none."""
    if type(value) is int:
        return f"{Decimal(value).scaleb(power):f}"
    if isinstance(value, float | msgspec.Raw | str):
        try:
            amount = Decimal(repr(value) if isinstance(value, float) else _text_of(value))
        except ArithmeticError:
            return None
        return f"{amount.scaleb(power):f}" if amount.is_finite() else None
    return None


def _text_of(value: msgspec.Raw | str) -> str:
    return value if isinstance(value, str) else bytes(value).decode()


def dig(value: Any, path: Path) -> Any:
    """Follow a path through nested objects; None where it ends too early."""
    for name in path:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value


def _first(usage: Json, paths: list[Path]) -> Number | None:
    for path in paths:
        if (found := number(dig(usage, path))) is not None:
            return found
    return None


def _path(text: str) -> Path:
    return tuple(text.split(".")) if text else ()


def strings(thing: Any, depth: int = 12) -> Iterator[str]:
    """Go through all text inside nested JSON, except what stands for bytes."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, bytes):  # a body that the caller wrote himself
        try:
            yield from strings(msgspec.json.decode(thing), depth - 1)
        except UNREADABLE:
            return
    elif depth and isinstance(thing, Mapping):
        for name, value in thing.items():
            if name not in _NOT_TEXT:
                yield from strings(value, depth - 1)
    elif depth and isinstance(thing, list | tuple):
        for value in thing:
            yield from strings(value, depth - 1)


_NOT_TEXT = frozenset(
    {
        "data",
        "file_data",
        "url",
        "image_url",
        "file_url",
        "file_id",
        "id",
        "type",
        "role",
        "model",
        "modelId",
        "anthropic_version",
    }
)

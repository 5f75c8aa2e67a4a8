"""Read a catalogue's text: genai-prices' data.json. What is wrong with it is told with its place, before anything is taken in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import takewhile
from typing import Any

import pydantic
from genai_prices import types
from genai_prices.types import Provider

from meter.errors import CatalogueInvalid
from meter.pricing.checking import Object, faults
from meter.pricing.following import Text

LARGEST_BYTES = 64 << 20
"""Sixty times what the catalogue has today."""

SHAPE = "give it a whole data.json of genai-prices, in the shape of its version 2"
_UNREAD = ("extractors", "description")
"""How to read responses is not asked of the catalogue, and may name units that the installed package does not know yet."""


def text(data: bytes, origin: str) -> Text:
    """Return a catalogue's bytes as a text that was found to be right. Raises CatalogueInvalid."""
    if len(data) > LARGEST_BYTES:
        size = f"{len(data):,} bytes, and more than {LARGEST_BYTES:,} are not read"
        raise CatalogueInvalid(f"{origin} is no catalogue: it has {size}", hint=SHAPE)
    if not data.strip():
        raise CatalogueInvalid(f"{origin} is empty", hint=SHAPE)
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CatalogueInvalid(f"{origin} is not UTF-8 text at line {line}", hint=SHAPE) from error
    return Text(hashlib.sha256(data).hexdigest()[:32], content, origin)


def providers(text: Text) -> list[Provider]:
    """Return the providers of a catalogue's text. Raises CatalogueInvalid with the first thing that is wrong, and its place."""
    raw = _json(text)
    for place, fault in faults(raw):
        raise CatalogueInvalid(": ".join(filter(None, [text.origin, place, fault])), hint=SHAPE)
    try:
        return types._providers_from_raw(_bare(raw))
    except pydantic.ValidationError as error:
        first = max(error.errors(include_url=False), key=lambda known: len(known["loc"]))  # the most exact one
        where = f"{_place(raw, first['loc'])}: {_path(first['loc'])}"
        raise CatalogueInvalid(f"{text.origin}: {where}: {first['msg']}", hint=SHAPE) from error


def _json(text: Text) -> Any:
    content, origin = text.content, text.origin
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=Object.of)
    except json.JSONDecodeError as error:
        is_cut = error.pos >= len(content.rstrip()) or error.msg.startswith("Unterminated string")
        what = "is cut short" if is_cut else "is not JSON"
        where = f"at line {error.lineno}, column {error.colno}"
        raise CatalogueInvalid(f"{origin} {what} {where}: {error.msg.lower()}", hint=SHAPE) from error
    except RecursionError as error:
        raise CatalogueInvalid(f"{origin} is not a catalogue: it is nested too deeply", hint=SHAPE) from error


def _bare(value: Any) -> Any:
    """Leave out what is not read, and the currency, which is checked."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key not in _UNREAD and key != "currency"}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _place(raw: Any, location: Iterable[int | str]) -> str:
    """Name the provider and the model that a path leads into."""
    return "/".join(_names(raw, location))


def _names(value: Any, location: Iterable[int | str]) -> Iterator[str]:
    for step in takewhile(lambda step: isinstance(step, int) or step == "models", location):
        value = value[step]
        if isinstance(value, dict):
            yield str(value.get("id"))


def _path(location: Iterable[int | str]) -> str:
    """Return the field's path inside the model, without the places of provider and model."""
    steps = [str(step) for step in location if isinstance(step, str) and step != "models"]
    return ".".join(steps) or "models"

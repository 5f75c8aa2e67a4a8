"""Catalogues as files: the installed one in the shape of genai-prices' data.json, version 2, to be changed by tests."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice

Raw = list[dict[str, Any]]


@lru_cache(maxsize=1)
def _installed() -> Raw:
    raw = _raw(get_snapshot().providers)
    assert isinstance(raw, list)
    return raw


def installed() -> Raw:
    """Return the installed catalogue, to be changed."""
    return copy.deepcopy(_installed())


def small() -> Raw:
    """Return one provider with three models, to be changed."""
    (openai,) = (provider for provider in _installed() if provider["id"] == "openai")
    models = [model for model in openai["models"] if model["id"] in ("gpt-4o", "gpt-4o-mini", "o3")]
    return copy.deepcopy([openai | {"models": models}])


def model(raw: Raw, name: str = "openai/gpt-4o-mini") -> dict[str, Any]:
    """Return one model of a catalogue, to be changed in place."""
    provider, _, wanted = name.partition("/")
    found = next(known for known in raw if known["id"] == provider)
    return next(known for known in found["models"] if known["id"] == wanted)


def changed(change: Callable[[Raw], object], base: Callable[[], Raw] = installed) -> Raw:
    """Return a catalogue after a change."""
    raw = base()
    change(raw)
    return raw


def text(raw: Any) -> str:
    """Return a catalogue as JSON."""
    return json.dumps(raw)


def write(path: Path, raw: Any) -> Path:
    """Write a catalogue to a file."""
    path.write_text(raw if isinstance(raw, str) else text(raw), encoding="utf-8")
    return path


def _raw(value: Any) -> Any:
    if isinstance(value, ModelPrice):
        return {key: _raw(price) for key, price in vars(value).items() if price is not None}
    if is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {key.rstrip("_"): _raw(item) for key, item in pairs if item is not None and key != "extractors"}
    if isinstance(value, list | tuple):
        return [_raw(item) for item in value]
    if isinstance(value, Decimal):
        assert Decimal(str(float(value))) == value  # so JSON's number is the price
        return float(value)
    return value.isoformat() if isinstance(value, date | time) else value

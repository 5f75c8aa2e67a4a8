"""The names that every part agrees on, held against the catalogue they point into."""

from __future__ import annotations

from genai_prices.data import providers
from genai_prices.units import _get_registry

from meter import names


def test_each_class_that_names_a_unit_names_one_of_the_registry() -> None:
    units = _get_registry().units
    assert {c.registry_key for c in names.CLASSES if c.registry_key} <= set(units)


def test_a_class_and_its_unit_lie_on_the_same_side() -> None:
    units = _get_registry().units
    for c in names.CLASSES:
        if c.registry_key and c.unit == "token":
            assert units[c.registry_key].dimensions["direction"] == c.side, c.name


def test_no_two_classes_share_a_name_or_a_unit() -> None:
    keys = [c.registry_key for c in names.CLASSES if c.registry_key]
    assert len(keys) == len(set(keys))
    assert len({c.name for c in names.CLASSES}) == len(names.CLASSES)


def test_each_provider_that_has_prices_is_one_of_the_catalogue() -> None:
    assert {p.genai_id for p in names.PROVIDERS if p.genai_id} <= {p.id for p in providers}


def test_a_provider_is_found_by_each_of_its_names_and_a_stranger_by_its_own() -> None:
    assert names.provider_for("openai") == "openai"
    assert names.provider_for("x-ai") == names.provider_for("xai") == names.provider_for("x_ai") == "x_ai"
    assert names.provider_for("aws") == names.provider_for("bedrock") == "aws.bedrock"
    assert names.provider_for("azure") == "azure.ai.openai"
    assert names.provider_for("google") == "gcp.gemini"
    assert names.provider_for("own-gateway") == "own-gateway"

"""A catalogue's text that is wrong is refused in one sentence with the place and the mend, and whatever is right is exact."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from meter.errors import CatalogueInvalid
from meter.pricing import catalogue, reading
from meter.pricing.checking import faults
from tests.pricing import files

PLACE = "openai/gpt-4o-mini"


def read(raw: Any) -> None:
    text = raw if isinstance(raw, str) else files.text(raw)
    catalogue.checked(reading.text(text.encode(), "data.json"))


def refusal(raw: Any) -> str:
    with pytest.raises(CatalogueInvalid) as refused:
        read(raw)
    assert refused.value.hint
    assert "\n" not in refused.value.message
    return refused.value.message


def priced(**prices: Any) -> Any:
    """Return a small catalogue in which some prices of one model are others."""
    return files.changed(lambda raw: files.model(raw)["prices"].update(prices), files.small)


def with_model(**fields: Any) -> Any:
    """Return a small catalogue in which some fields of one model are others."""
    return files.changed(lambda raw: files.model(raw).update(fields), files.small)


def test_the_installed_catalogue_as_a_file_compiles_to_the_same_cards() -> None:
    text = reading.text(files.text(files.installed()).encode(), "data.json")
    assert list(catalogue.compiled(text)) == list(catalogue.compiled())


def test_prices_are_read_to_the_last_digit() -> None:
    digits = "0.12345678901234567"
    written = files.text(priced(input_mtok=111.25)).replace("111.25", digits)
    (provider,) = reading.providers(reading.text(written.encode(), "data.json"))
    mini = next(model for model in provider.models if model.id == "gpt-4o-mini")
    assert vars(mini.prices)["input_mtok"] == Decimal(digits)


@pytest.mark.parametrize("cut", range(1, 100, 7))
def test_a_file_cut_short_is_refused_with_the_place_where_it_ends(cut: int) -> None:
    whole = files.text(files.small())
    message = refusal(whole[: len(whole) * cut // 100])
    assert message.startswith("data.json is cut short at line 1, column ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "data.json is empty"),
        (" \n", "data.json is empty"),
        ("[\n{'id': 1}]", "data.json is not JSON at line 2, column 2"),
        ("<html>not found</html>", "data.json is not JSON at line 1, column 1"),
        ("[" * 100_000, "nested too deeply"),
        ("{}", "a catalogue is a list of providers, and this is an object"),
        ("7", "and this is a number"),
        ("[]", "the list of providers is empty"),
        ("[7]", "provider 1: it has no id"),
        ('[{"id": "a", "name": "A", "api_pattern": "a", "models": {}}]', "a: models is not a list but an object"),
        ('[{"id": "a", "name": "A", "api_pattern": "(", "models": []}]', "a: '(' is no regular expression"),
        ('[{"id": "a", "name": "A", "api_pattern": "a", "models": [{}]}]', "a, model 1: it has no id"),
        ('[{"id": "a", "name": "A", "models": []}]', "data.json: a: api_pattern: Field required"),
        ('[{"id": "a", "name": "A", "api_pattern": "a"}]', "a: models is not a list but missing"),
    ],
)
def test_what_is_no_catalogue_is_refused(text: str, said: str) -> None:
    assert said in refusal(text)


def test_bytes_that_are_no_text_are_refused_with_the_line() -> None:
    with pytest.raises(CatalogueInvalid, match=r"data\.json is not UTF-8 text at line 2"):
        reading.text(b"[\n\xff]", "data.json")


def test_more_than_any_catalogue_has_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_BYTES", 10)
    with pytest.raises(CatalogueInvalid, match="it has 11 bytes"):
        reading.text(b"[          ", "data.json")


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (-1, "input_mtok is -1: a price is 0 or more"),
        ("cheap", "input_mtok is 'cheap', which is no number"),
        (True, "input_mtok is True, which is no number"),
        (float("nan"), "input_mtok is NaN, which is no number"),
        (float("inf"), "input_mtok is Infinity, which is no number"),
        ([1], "input_mtok is [1], which is no number"),
        (1e12, "a price above 100,000,000 cannot be right"),
        ({"base": -1, "tiers": []}, "input_mtok base is -1"),
        ({"tiers": []}, "input_mtok base is None, which is no number"),
        ({"base": 1}, "input_mtok has no list of tiers but missing"),
        ({"base": 1, "tiers": [{"start": 5}]}, "input_mtok tier is None, which is no number"),
        ({"base": 1, "tiers": [{"start": -5, "price": 1}]}, "a tier that starts at -5, not at a whole number"),
        ({"base": 1, "tiers": [{"start": 5, "price": 1}] * 2}, "tiers that do not follow one another: 5, 5"),
    ],
)
def test_a_price_that_is_none_is_refused_with_the_model(price: Any, said: str) -> None:
    message = refusal(priced(input_mtok=price))
    assert message.startswith(f"data.json: {PLACE}: ")
    assert said in message


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"currency": "EUR"}, "the prices are in 'EUR', and only USD is known of a catalogue"),
        ({"prices": {"input_mtok": 1, "currency": "IDR"}}, "the prices are in 'IDR'"),
        ({"prices": None}, "prices are not an object but missing"),
        ({"prices": []}, "prices are an empty list"),
        ({"prices": [7]}, "prices are not an object but a number"),
        ({"prices": {"inptu_mtok": 1}}, "inptu_mtok is no unit that the installed genai-prices knows"),
        ({"price_variants": 7}, "price_variants are not a list but a number"),
        ({"price_variants": [{"when": {}, "prices": {"input_mtok": 1}}]}, "price_variants"),
        ({"match": {"regex": "("}}, "'(' is no regular expression"),
        ({"match": {"sounds_like": "x"}}, "match"),
        ({"prices": [{"constraint": {"start_date": "soon"}, "prices": {"input_mtok": 1}}]}, "start_date"),
        (
            {
                "prices": [
                    {
                        "constraint": {"start_time": "01:00:00.5", "end_time": "02:00:00"},
                        "prices": {"input_mtok": 1},
                    }
                ]
            },
            "only whole seconds can be stored",
        ),
    ],
)
def test_a_model_that_cannot_be_read_is_refused_with_its_name(fields: dict[str, Any], said: str) -> None:
    message = refusal(with_model(**fields))
    assert PLACE in message
    assert said in message


def test_every_fault_is_found_not_only_the_first() -> None:
    model: Any = {"id": "m", "prices": {"input_mtok": 1}}
    raw: Any = [
        7,
        {"id": "a"},
        {"id": "b", "models": [{"id": "x"}, {"id": "y", "prices": []}, model, {**model, "id": "z"}]},
    ]
    assert list(faults([*raw, {"id": "b", "models": []}])) == [
        ("provider 1", "it has no id"),
        ("a", "models is not a list but missing"),
        ("b/x", "it has no prices"),
        ("b/y", "prices are an empty list"),
        ("b", "the provider stands twice, with different prices"),
    ]
    assert [fault for _, fault in faults({})] == ["a catalogue is a list of providers, and this is an object"]


def test_dollars_may_be_named() -> None:
    read(with_model(currency="USD"))
    read(priced(currency="USD"))


def test_a_model_without_prices_is_refused() -> None:
    assert refusal(files.changed(lambda raw: files.model(raw).pop("prices"), files.small)).endswith("it has no prices")


def _twice(difference: dict[str, Any]) -> Callable[[Any], None]:
    def change(raw: Any) -> None:
        raw[0]["models"].append(files.model(raw) | difference)

    return change


@pytest.mark.parametrize(
    ("difference", "said"),
    [({}, "with the same prices"), ({"prices": {"input_mtok": 7}}, "with different prices")],
)
def test_a_model_twice_is_refused(difference: dict[str, Any], said: str) -> None:
    message = refusal(files.changed(_twice(difference), files.small))
    assert message == f"data.json: {PLACE}: the model stands twice, {said}"


def test_a_provider_twice_is_refused() -> None:
    raw = files.small()
    assert (
        refusal([*raw, {**raw[0], "models": []}])
        == "data.json: openai: the provider stands twice, with different prices"
    )


def test_a_name_twice_in_one_object_is_refused_where_json_would_take_the_last() -> None:
    model = json.dumps(files.model(files.small()))
    twice = model.replace('"input_mtok"', '"input_mtok": 1, "input_mtok"', 1)
    assert twice != model
    message = refusal(files.text(files.small()).replace(model, twice))
    assert message == f"data.json: {PLACE}: 'input_mtok' stands twice in one object"

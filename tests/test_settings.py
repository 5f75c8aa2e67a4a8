"""Settings: one table, and a value that cannot be read never breaks the service."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from meter import guard, settings
from meter.errors import SettingInvalid
from meter.settings import Settings


def test_each_setting_has_a_default_a_parser_and_a_sentence_of_help() -> None:
    for field in dataclasses.fields(Settings):
        assert field.metadata["help"].rstrip().endswith("."), field.name
        assert callable(field.metadata["parse"]), field.name
        assert field.default_factory is not dataclasses.MISSING, field.name


def test_the_environment_is_read_by_the_fields_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METER_SPOOL_MAX_BYTES", "4096")
    monkeypatch.setenv("METER_DISABLED", "yes")
    settings.reset()
    assert settings.get().spool_max_bytes == 4096
    assert settings.get().disabled is True


@pytest.mark.parametrize(
    ("variable", "text", "default"),
    [
        ("METER_SPOOL_MAX_BYTES", "plenty", 1 << 30),
        ("METER_SPOOL_MAX_BYTES", "-5", 1 << 30),
        ("METER_DISABLED", "perhaps", False),
        ("METER_TAGS", "team", {}),
        ("METER_SYNC", "always", ""),
    ],
)
def test_a_value_that_cannot_be_read_keeps_the_default_and_is_told(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, default: object
) -> None:
    monkeypatch.setenv(variable, text)
    settings.reset()
    assert getattr(settings.get(), variable.removeprefix("METER_").lower()) == default
    assert [problem for problem in settings.problems() if variable in problem and text in problem]


def test_the_program_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METER_SERVICE", "from-environment")
    settings.configure(service="from-program")
    assert settings.get().service == "from-program"
    settings.reset()
    assert settings.get().service == "from-environment"


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(SettingInvalid, match="colour") as caught:
        settings.configure(colour="blue")
    assert caught.value.hint is not None
    assert "spool_max_bytes" in caught.value.hint


def test_a_toml_fault_names_the_file_and_the_line(tmp_path: Path) -> None:
    file = tmp_path / "meter.toml"
    file.write_text('[period]\ntimezone = "UTC\n')
    with pytest.raises(SettingInvalid, match=r"meter\.toml: .*line 2"):
        settings.load_toml(file)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("tags", "team=search", {"team": "search"}),
        ("tags", {"team": 1, "none": None}, {"team": "1"}),
        ("disabled", "0", False),
        ("disabled", True, True),
        ("include_usage", 0, False),
        ("spool_max_bytes", "4096", 4096),
        ("service", 7, "7"),
        ("home", Path("here"), "here"),
        ("config", None, None),
    ],
)
def test_the_program_may_give_text_or_the_value(name: str, given: object, value: object) -> None:
    assert getattr(settings.configure(**{name: given}), name) == value


@pytest.mark.parametrize(
    ("name", "given", "expectation"),
    [
        ("tags", None, "key=value"),
        ("tags", ["team"], "key=value"),
        ("spool_max_bytes", "10MB", "a whole number above 0"),
        ("spool_max_bytes", 1.5, "a whole number above 0"),
        ("disabled", None, "1 or 0"),
        ("sync", True, '"call" or nothing'),
        ("service", ["a"], "text"),
    ],
)
def test_a_value_that_the_program_cannot_mean_is_refused(name: str, given: object, expectation: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        settings.configure(**{"home": "elsewhere", name: given})
    assert caught.value.message.startswith(f"{name}={given!r}: ") and expectation in caught.value.message
    assert caught.value.hint
    assert settings.get().home is None  # all or nothing


@pytest.mark.parametrize("pairs", [1, 100])
def test_tags_of_the_process_are_bounded(monkeypatch: pytest.MonkeyPatch, pairs: int) -> None:
    many = {f"k{number}": "v" * 1000 for number in range(pairs)}
    settings.configure(tags=many)
    program = settings.get().tags
    settings.reset()
    monkeypatch.setenv("METER_TAGS", ",".join(f"{key}={value}" for key, value in many.items()))
    assert settings.get().tags == program == {f"k{number}": "v" * 256 for number in range(min(pairs, 32))}
    assert guard.failures["tags.cut"] >= 2

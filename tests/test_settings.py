"""Settings: one table, and a value that cannot be read never breaks the service."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from meter import settings
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

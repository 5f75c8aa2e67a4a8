"""meter.toml: faults have a line and a mend."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from meter import settings
from meter.doctor import configuration
from meter.home import Home
from tests.cli.running import run

FAULTS = [
    ('[period]\ntimezone = "Europe/Berln"', 2, "does not exist", "IANA"),
    ("[period]\n\nzone = 1", 3, "no key 'zone'", "timezone"),
    ("[period]\ntimezone = 3", 2, "timezone 3", "IANA"),
    ("period = 1", 1, "period is a int", "[period]"),
    ('# a\n[servers]\n"llm:80" = "opnai"', 3, "opnai", "did you mean 'openai'"),
    ('[servers]\n"llm:80" = "zzzzz"', 2, "zzzzz", "azure.ai.openai"),
    ('[servers]\n"http://llm" = "openai"', 2, "more than host and port", "llm.internal"),
    ('[servers]\n"llm:80" = 3', 2, "names no provider", '"llm:80" = "openai"'),
    ('[margins]\nopenai = 0.1\nanthropic = "x"', 3, "not a number", "-0.77"),
    ('[[margins.anthropic]]\nmargin = 0.1\nbasis = "odd"', 1, "odd", ""),
    ("[margns]\nopenai = 1", 1, "unknown section [margns]", "[margins]"),
    ("[zzz]", 1, "unknown section [zzz]", "period"),
    ("[period\n", 1, "column", "TOML"),
    ('a = 1\nb = "', 2, "", "TOML"),
]


@pytest.mark.parametrize(("text", "line", "message", "mend"), FAULTS)
def test_a_fault_is_told_with_its_line_and_its_mend(
    home: Home, tmp_path: Path, text: str, line: int, message: str, mend: str
) -> None:
    path = tmp_path / "meter.toml"
    path.write_text(text)
    shown = run("config", "check", str(path))
    assert shown.code == 1
    (fault,) = (told for told in shown.out.splitlines()[:-1] if "does not read it yet" not in told)
    assert fault.startswith(f"{path}:{line}: ")
    assert message in fault
    assert mend in fault


def test_a_right_file_has_no_fault(home: Home) -> None:
    home.path.mkdir()
    home.config.write_text('[period]\ntimezone = "Europe/Berlin"\n[margins]\nopenai = -1\n')
    shown = run("config", "check")
    assert (shown.code, shown.out) == (0, f"{home.config}: no fault\n")


def test_a_section_for_later_may_stand_there_and_is_said_to_do_nothing(home: Home) -> None:
    home.path.mkdir()
    home.config.write_text('[budgets]\nsearch = 5\n[alerts]\nto = "x"\n')
    shown = run("config", "check")
    assert shown.code == 0
    assert shown.out.count("does not read it yet") == 2


def test_no_file_is_no_fault(home: Home) -> None:
    shown = run("config", "check")
    assert shown.code == 0
    assert "none is needed" in shown.out


def test_a_file_that_is_no_text_is_a_sentence(home: Home) -> None:
    home.path.mkdir()
    home.config.write_bytes(b"\xff\xfe")
    shown = run("config", "check")
    assert shown.code == 1
    assert "UTF-8" in shown.out


def test_init_writes_an_example_that_changes_nothing_and_is_right_when_taken_up(home: Home) -> None:
    shown = run("config", "init")
    assert (shown.code, shown.out) == (0, f"{home.config}\n")
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600
    assert settings.load_toml(home.config) == {}
    home.config.write_text(re.sub(r"(?m)^#(?! )", "", home.config.read_text()))
    assert list(settings.load_toml(home.config)) == [
        "period",
        "margins",
        "servers",
        "contracts",
        "aliases",
        "currencies",
    ]
    assert configuration.check(home.config) == []


def test_init_never_writes_over_a_file(home: Home) -> None:
    run("config", "init")
    home.config.write_text("[period]\n")
    shown = run("config", "init")
    assert shown.code == 1
    assert "is there already" in shown.err
    assert home.config.read_text() == "[period]\n"

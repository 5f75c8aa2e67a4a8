"""The command as such: its help, its exit codes, and errors that are sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from meter.cli.commands import COMMANDS
from meter.home import Home
from tests.cli.running import MAIN, bare, run, run_process, run_terminal


def every_command() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name in COMMANDS:
        command = import_module(f"meter.cli.{COMMANDS[name].module}").command
        yield (name,), command
        if isinstance(command, click.Group):
            yield from (((name, inner), command.commands[inner]) for inner in command.commands)


EVERY = dict(every_command())


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_teaches_with_an_example_and_explains_each_option(words: tuple[str, ...]) -> None:
    command = EVERY[words]
    shown = run(*words, "--help")
    assert shown.code == 0
    assert isinstance(command, click.Group) or "Example" in shown.out
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    assert max(map(len, shown.out.splitlines())) <= 80


def test_every_module_with_a_command_is_in_the_table() -> None:
    folder = Path(import_module("meter.cli").__path__[0])
    commands = {path.stem for path in folder.glob("*.py") if "\ndef command(" in path.read_text("utf-8")}
    assert commands == {entry.module for entry in COMMANDS.values()}


def test_help_names_every_command_on_lines_of_80_columns_and_imports_none() -> None:
    shown = run_process("--help", code=MAIN.replace("sys.exit(main())", PRINT_MODULES))
    *lines, modules = shown.out.splitlines()
    assert shown.code == 0
    assert all(any(line.split()[:1] == [name] for line in lines) for name in COMMANDS)
    assert max(map(len, lines)) <= 80
    heavy = {"duckdb", "rich", "genai_prices", "openai", "anthropic", "meter.ledger", "meter.cli.spend"}
    assert not heavy & set(json.loads(modules))


PRINT_MODULES = """
import json
try:
    main()
except SystemExit as leaving:
    print(json.dumps(list(sys.modules)))
    raise
"""


def test_the_word_help_is_help() -> None:
    assert run_process("help").out == run_process("--help").out
    assert run_process("help", "config", "check").out == run_process("config", "check", "--help").out


@pytest.mark.parametrize("word", ["-V", "--version"])
def test_the_version_is_told(word: str) -> None:
    shown = run_process(word)
    assert (shown.code, shown.out.split()[0]) == (0, "meter")
    assert run(word).out == shown.out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["spned"], "did you mean 'spend'?"),
        (["zzz"], "there is no command 'zzz'"),
        (["config", "chek"], "did you mean 'check'?"),
        (["--nope"], "No such option"),
        (["spend", "--nope"], "No such option"),
        (["spend", "--since", "1d", "--month", "2026-01"], "exclude each other"),
        (["sql"], "Missing argument"),
        (["sql", "SELECT 1", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_how_to_get_help(words: list[str], error: str) -> None:
    shown = run(*words)
    assert (shown.code, shown.out) == (2, "")
    assert error in shown.err
    assert "--help" in shown.err


def test_a_user_error_is_one_sentence_and_a_hint_on_stderr(home: Home) -> None:
    shown = run("config", "check", "nowhere.toml")
    assert (shown.code, shown.out) == (1, "")
    assert shown.err == "Error: there is no file nowhere.toml\nHint: meter config init writes one into the home\n"


def test_a_fault_of_the_system_is_a_sentence_too(home: Home) -> None:
    home.path.mkdir()
    home.config.mkdir()
    shown = run("config", "check")
    assert shown.code == 1
    assert "Traceback" not in shown.err


def test_a_fault_of_meter_is_a_sentence_and_debug_shows_where(home: Home) -> None:
    code = MAIN.replace(
        "sys.exit", "from meter.doctor import configuration; configuration.example = lambda: 1 / 0; sys.exit"
    )
    shown = run_process("config", "init", code=code)
    assert shown.code == 1
    assert shown.err.startswith("Error: ZeroDivisionError")
    assert "Traceback" not in shown.err
    home.config.unlink()
    assert "Traceback" in run_process("--debug", "config", "init", code=code).err


@pytest.mark.parametrize("error", ["RuntimeError('Query interrupted')", "duckdb.InterruptException('Interrupted!')"])
def test_what_duckdb_makes_of_ctrl_c_is_no_fault(home: Home, error: str) -> None:
    raising = (
        f"import duckdb; from meter.doctor import configuration; error = {error}; "
        "configuration.example = lambda: (_ for _ in ()).throw(error); sys.exit"
    )
    shown = run_process("config", "init", code=MAIN.replace("sys.exit", raising))
    assert (shown.code, shown.out, shown.err) == (130, "", "Error: interrupted\n")


def test_the_home_is_chosen_before_or_after_the_command(tmp_path: Path) -> None:
    chosen = str(tmp_path / "elsewhere")
    expected = f"{chosen}/meter.toml\n"
    assert run("--home", chosen, "config", "path").out == expected
    assert run("config", "path", "--home", chosen).out == expected


def test_a_reader_that_has_seen_enough_is_no_error(home: Home) -> None:
    command = f'"{sys.executable}" -c "{MAIN}" config path | true; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_colours_keep_away_where_they_are_not_wanted(home: Home) -> None:
    assert "\x1b[" in run_terminal().out
    assert "\x1b[3" not in run_terminal(env={"NO_COLOR": "1"}).out
    assert "\x1b" not in run_process().out


def test_a_terminal_that_knows_only_ascii_gets_what_it_can_show(home: Home) -> None:
    shown = run_process("report", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"})
    assert (shown.code, shown.err) == (0, "")


def test_a_newcomer_is_welcomed_with_what_to_do(home: Home) -> None:
    shown = run_terminal()
    assert shown.code == 0
    assert "nothing recorded yet" in bare(shown.out)
    assert "meter demo" in shown.out
    assert not home.path.exists()


BASE_INSTALL = f"""
import sys
for name in ("click", "rich", "duckdb", "pytz", "genai_prices"):
    sys.modules[name] = None  # as if it were not installed
{MAIN}
"""


@pytest.mark.parametrize("words", [[], ["spend"], ["demo"], ["sql", "SELECT 1"]])
def test_the_base_install_says_which_extra_to_install(words: list[str]) -> None:
    shown = run_process(*words, code=BASE_INSTALL)
    assert (shown.code, shown.out) == (1, "")
    assert "pip install 'spendmeter[agent]'" in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("word", ["--help", "-h", "--version", "-V"])
def test_the_base_install_has_help_and_a_version(word: str) -> None:
    shown = run_process(word, code=BASE_INSTALL)
    assert (shown.code, shown.err) == (0, "")
    assert "meter" in shown.out.lower()

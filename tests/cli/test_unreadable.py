"""A ledger, a configuration or a home that cannot be read: one sentence from every command, and nothing touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import meter
from meter import recorder, settings
from meter.errors import SettingInvalid
from meter.home import Home
from meter.ledger import Ledger
from tests.cli.running import MAIN, Ran, findings, run, run_process, status, wrong, wrong_rows


def break_schema(home: Home) -> None:
    with Ledger(home).writing() as connection:
        connection.execute("INSERT INTO ledger.migrations VALUES (9999, 'from the future', now())")


def test_a_locked_ledger_is_a_sentence_that_names_its_holder(sample: Home) -> None:
    impatient = "import sys; from meter.ledger import ingestion; ingestion.WAIT_S = 0.2"
    meter.record(provider="openai", model="m", usage={"input": 1})
    with Ledger(sample).writing():
        found = run_process("doctor", "--format", "json")
        told = run_process("ingest", code=MAIN.replace("import sys", impatient, 1))
    assert found.code == 1
    assert wrong_rows(found.out) == ["ledger"]
    assert f"process {os.getpid()}" in found.out
    assert told.code == 1
    assert told.err.startswith("Error: the ledger in ")
    assert f"process {os.getpid()}" in told.err
    assert "Hint: " in told.err


def test_a_ledger_of_a_newer_meter_is_told_everywhere_and_touched_nowhere(sample: Home) -> None:
    run("ingest")
    break_schema(sample)
    for words in ([], ["spend"], ["sql", "SELECT 1"], ["report", "teams"], ["ingest"]):
        if words == ["ingest"]:
            meter.record(provider="openai", model="m", usage={"input": 1})
            recorder.close()
        shown = run(*words)
        assert shown.code == 1, words
        assert "schema 9999" in shown.err
        assert "upgrade" in shown.err
    assert "schema 9999" in status()["problem"]
    assert wrong(findings()) == ["ledger"]


MARS = '[period]\ntimezone = "Mars/Base"\n'
HALF = "[period\n"
REPORTS: tuple[list[str], ...] = ([], ["spend"], ["report", "teams"])


def record_one() -> None:
    meter.record(provider="openai", model="m", usage={"input": 1})
    recorder.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [(MARS, words) for words in (*REPORTS, ["sql", "SELECT 1"], ["status"])]
    + [(HALF, words) for words in (["sql", "SELECT 1"], ["status"])],
)
def test_a_time_zone_that_cannot_be_known_is_told_beside_the_figures(sample: Home, text: str, words: list[str]) -> None:
    sample.config.write_text(text)
    record_one()
    shown = run(*words)
    assert (shown.code, shown.out != "") == (0, True), shown.err
    assert shown.err.startswith(f"{sample.config}: ")
    assert "Until then what its last sound version said holds\n" in shown.err
    assert shown.err.count(str(sample.config)) == 1


@pytest.mark.parametrize("words", REPORTS)
def test_without_its_currency_a_report_is_one_error(sample: Home, words: list[str]) -> None:
    sample.config.write_text(HALF)
    record_one()
    shown = run(*words)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith(f"Error: {sample.config}: ")
    assert len(shown.err.splitlines()) == 2


@pytest.mark.parametrize("text", [MARS, HALF])
def test_doctor_finds_one_fault_in_a_configuration_that_cannot_be_read(sample: Home, text: str) -> None:
    sample.config.write_text(text)
    assert set(wrong(findings())) == {"meter.toml"}


def test_a_file_that_is_no_ledger_is_a_sentence(home: Home) -> None:
    home.path.mkdir()
    home.ledger.write_bytes(b"not a ledger at all" * 1000)
    for words in ([], ["spend"], ["sql", "SELECT 1"]):
        shown = run(*words)
        assert shown.code == 1, words
        assert "Traceback" not in shown.err
    assert status()["problem"]
    assert "ledger" in wrong(findings())


@pytest.mark.parametrize("words", [["spend"], ["sql", "SELECT 1"], ["report", "teams"]])
def test_without_a_ledger_there_is_a_next_step(home: Home, words: list[str]) -> None:
    shown = run(*words)
    assert shown.code == 1
    assert "meter demo" in shown.err
    assert not home.path.exists()


EVERY_READER: tuple[list[str], ...] = (
    [],
    ["status"],
    ["ingest"],
    ["agent", "--once"],
    ["spend"],
    ["sql", "SELECT 1"],
    ["report", "teams"],
    ["risk"],
    ["prices", "list"],
)


def test_a_named_configuration_that_is_not_there_is_an_error_of_every_reader(
    sample: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("METER_CONFIG", str(tmp_path / "nowhere.toml"))
    for words in (*EVERY_READER, ["config", "check"]):
        shown = run(*words)
        assert (shown.code, shown.out) == (1, ""), words
        assert f"METER_CONFIG names {tmp_path}/nowhere.toml" in shown.err
    assert wrong(findings()) == ["meter.toml"]
    with pytest.raises(SettingInvalid):
        meter.connect()
    assert run("config", "path").out == f"{tmp_path}/nowhere.toml\n"
    assert run("config", "init").code == 0
    assert run("spend").code == 0


def test_a_service_records_whatever_its_configuration_is(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METER_CONFIG", "/nowhere.toml")
    settings.reset()
    assert meter.record(provider="openai", model="m", usage={"input": 1})
    recorder.close()
    assert len(list(home.spool.glob("*.ndjson"))) == 1


def test_a_time_zone_that_is_none_is_told_before_anything_was_recorded(home: Home) -> None:
    home.path.mkdir()
    home.config.write_text('[period]\ntimezone = "Mars/Base"\n')
    for words, code in (([], 1), (["status"], 0), (["ingest"], 3), (["agent", "--once"], 3)):
        shown = run(*words)
        assert (shown.code, "Mars/Base" in shown.err) == (code, True), words


READ_ONLY = 'mount --bind "$METER_HOME" "$METER_HOME" && mount -o remount,ro,bind "$METER_HOME" && exec "$@"'
"""What `unshare` lets a process of its own do: its mounts are nobody else's."""


def run_read_only(*words: str) -> Ran:
    command = ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", sys.executable, "-c", MAIN, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def may_mount() -> bool:
    command = ["unshare", "--mount", "sh", "-c", "mount --bind / /mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="only one who may mount can make a read-only home")
@pytest.mark.parametrize("waits", [False, True])
def test_a_read_only_home_can_be_read(sample: Home, waits: bool) -> None:
    if waits:
        meter.record(provider="openai", model="m", usage={"input": 1})
        recorder.close()
    for words in ([], ["spend"], ["sql", "SELECT count(*) FROM calls"], ["status"], ["risk"], ["prices", "list"]):
        shown = run_read_only(*words)
        assert shown.code == 0, shown.err
    assert " ago: it may not be written here" in run_read_only("spend").err
    shown = run_read_only("doctor", "--format", "json")
    assert wrong_rows(shown.out) == ["disk"]
    assert f"mount {sample.spool} writable" in shown.out
    for words in (["ingest"], ["agent", "--once"]):
        shown = run_read_only(*words)
        assert (shown.code, shown.out) == (1, "")
        assert "may not be written" in shown.err


@pytest.mark.skipif(not may_mount(), reason="only one who may mount can make a read-only home")
def test_a_read_only_ledger_without_its_lock_is_not_read(sample: Home) -> None:
    sample.lock.unlink()
    shown = run_read_only("sql", "SELECT 1")
    assert (shown.code, shown.out) == (1, "")
    assert "ledger.lock is missing" in shown.err


def test_what_a_ledger_that_cannot_be_read_knew_is_unknown(sample: Home) -> None:
    break_schema(sample)
    assert run("status").code == 1
    (services_row,) = (finding for finding in findings() if finding.subject == "services")
    assert "unknown" in services_row.detail

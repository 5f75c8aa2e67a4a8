"""ingest, status and doctor: whatever goes wrong can be seen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import meter
from meter import event, recorder, settings
from meter import home as homes
from meter.cli.opening import freshen
from meter.doctor import homes as home_checks
from meter.doctor import sdks, services
from meter.doctor.examine import examine_home
from meter.doctor.finding import Finding
from meter.doctor.ledgers import check_ledger
from meter.doctor.spooled import check_spool
from meter.errors import MeterError, SettingInvalid
from meter.home import Home
from meter.ledger import Ledger, ingest
from meter.providers import load
from meter.providers.model import Provider
from meter.report.status import status as read_status
from meter.spool import segments
from tests.cli.running import MAIN, Ran, bare, run, run_process, run_terminal

BAD_LINE = b'\n{"v":1,"kind":"call","id":"nonsense"}\n'


def status() -> dict[str, Any]:
    (row,) = json.loads(run("status", "--format", "json").out)
    assert isinstance(row, dict)
    return row


def findings() -> list[Finding]:
    """What the doctor finds here, but for the SDKs: to import them takes seconds."""
    settings.reset()
    place = homes.find()
    with suppress(MeterError):
        ingest(Ledger(place))
    return list(examine_home(place))


def wrong(found: list[Finding]) -> list[str]:
    return [finding.subject for finding in found if finding.state == "wrong"]


def wrong_rows(text: str) -> list[str]:
    return [row["subject"] for row in json.loads(text) if row["state"] == "wrong"]


def break_schema(home: Home) -> None:
    with Ledger(home).writing() as connection:
        connection.execute("INSERT INTO ledger.migrations VALUES (9999, 'from the future', now())")


def test_ingest_says_what_it_moved_and_then_that_there_is_nothing(spooled: Home) -> None:
    shown = run("ingest")
    assert shown.code == 0
    assert shown.out.startswith("8 calls, 1 outcome from ")
    assert run("ingest").out.startswith("0 calls, 0 outcomes from 0 B")
    assert run("ingest").err == ""


def test_ingest_of_nothing_is_nothing(home: Home) -> None:
    shown = run("ingest")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("0 calls")


def test_ingest_has_a_bar_where_someone_watches(spooled: Home) -> None:
    assert "8 calls" in bare(run_terminal("ingest").out)


def test_status_of_a_home_where_nothing_is_wrong(sample: Home) -> None:
    row = status()
    assert row["home"] == str(sample.path)
    assert (row["calls"], row["outcomes"], row["dead_letters"], row["lost"], row["lag_bytes"]) == (8, 1, 0, 0, 0)
    assert row["unpriced_share"] == pytest.approx(1 / 8)
    assert row["problem"] is None
    shown = run("status")
    assert shown.code == 0
    for name in ("home", "spool", "lag", "ledger", "calls", "lost", "dead letters", "unpriced", "held by"):
        assert any(line.startswith(name) for line in shown.out.splitlines())


def test_status_of_a_home_that_is_not_there(home: Home) -> None:
    shown = run("status")
    assert shown.code == 0
    assert "none yet" in shown.out
    assert not home.path.exists()
    assert status()["calls"] is None


def test_status_on_a_terminal_fits_it(sample: Home) -> None:
    assert max(map(len, bare(run_terminal("status").out).splitlines())) <= 80


def test_a_corrupt_line_is_a_dead_letter_in_status_and_a_fault_in_doctor(spooled: Home) -> None:
    (segment,) = spooled.spool.glob("*.ndjson")
    segment.write_bytes(segment.read_bytes() + BAD_LINE + b"\nnot even json\n")
    assert (status()["dead_letters"], status()["calls"]) == (2, 8)
    assert "FROM ledger.dead_letters" in run("status").out
    assert wrong(findings()) == ["dead letters"]


def test_what_is_old_is_counted_and_no_fault_any_more(spooled: Home) -> None:
    (segment,) = spooled.spool.glob("*.ndjson")
    segment.write_bytes(segment.read_bytes() + BAD_LINE)
    assert wrong(findings()) == ["dead letters"]
    with Ledger(spooled).writing() as connection:
        connection.execute("UPDATE ledger.dead_letters SET recorded_at = recorded_at - INTERVAL 8 DAYS")
    assert wrong(findings()) == []
    assert status()["dead_letters"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_a_shared_home_of_the_agents_is_read_and_not_written(sample: Home, capsys: pytest.CaptureFixture[str]) -> None:
    meter.record(provider="openai", model="m", usage={"input": 1})
    recorder.close()
    os.chown(sample.path, 12345, -1)
    freshen(Ledger(Home(sample.path, shared=True)))
    assert "only the agent writes this shared ledger" in capsys.readouterr().err
    assert len(list(sample.spool.glob("*.ndjson"))) == 1


def test_what_waits_is_the_lag(spooled: Home) -> None:
    with Ledger(spooled).writing(), subprocess_of_status() as other:
        out, _ = other.communicate(timeout=60)
    (row,) = json.loads(out)
    assert row["problem"]
    assert row["lag_bytes"] is None
    assert row["held_by"] == [os.getpid()]
    assert status()["lag_bytes"] == 0


def subprocess_of_status() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", MAIN, "status", "--format", "json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


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


@pytest.mark.parametrize("text", ['[period]\ntimezone = "Mars/Base"\n', "[period\n"])
def test_a_configuration_that_cannot_be_read_is_one_message(sample: Home, text: str) -> None:
    sample.config.write_text(text)
    for words in ([], ["spend"], ["sql", "SELECT 1"]):
        meter.record(provider="openai", model="m", usage={"input": 1})
        recorder.close()
        shown = run(*words)
        assert (shown.code, shown.out) == (1, ""), words
        assert shown.err.startswith(f"Error: {sample.config}")
        assert len(shown.err.splitlines()) == 2
    assert set(wrong(findings())) == {"meter.toml", "ledger"}


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


def test_doctor_finds_nothing_wrong_where_nothing_is(sample: Home) -> None:
    shown = run("doctor")
    assert shown.code == 0
    assert shown.out.rstrip().endswith("Nothing is wrong.")
    assert "openai" in shown.out
    assert "anthropic" in shown.out


def test_doctor_sees_a_variable_that_cannot_be_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METER_SPOOL_MAX_BYTES", "lots")
    assert wrong(findings()) == ["settings"]


def test_doctor_sees_faults_of_meter_toml_with_their_lines(home: Home) -> None:
    home.path.mkdir()
    home.config.write_text("[periods]\n")
    (fault,) = (finding for finding in findings() if finding.state == "wrong")
    assert fault.detail == "line 1: unknown section [periods]"
    assert fault.mend == "did you mean [period]?"


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


def test_a_time_zone_that_is_none_is_an_error_before_anything_was_recorded(home: Home) -> None:
    home.path.mkdir()
    home.config.write_text('[period]\ntimezone = "Mars/Base"\n')
    for words in ([], ["status"], ["ingest"], ["agent", "--once"]):
        shown = run(*words)
        assert (shown.code, shown.out) == (1, ""), words
        assert "Mars/Base" in shown.err


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


def test_doctor_sees_that_recording_is_switched_off(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METER_DISABLED", "1")
    assert any("METER_DISABLED" in finding.detail for finding in findings())


def test_doctor_sees_a_disk_on_which_nothing_can_be_written(sample: Home) -> None:
    code = MAIN.replace("import sys", "import sys, resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))", 1)
    shown = run_process("doctor", "--format", "json", code=code)
    assert shown.code == 1
    assert wrong_rows(shown.out) == ["disk"]


@pytest.mark.parametrize("inside", ["", "home"])
def test_doctor_sees_a_file_where_the_home_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("METER_HOME", str(tmp_path / "file" / inside))
    assert wrong(findings()) == ["home"]
    for words in ([], ["status"], ["ingest"], ["agent", "--once"], ["spend"], ["sql", "SELECT 1"], ["prices", "list"]):
        shown = run(*words)
        assert (shown.code, shown.out) == (1, ""), words
        assert "is not a folder" in shown.err
        assert "METER_HOME" in shown.err


def test_doctor_sees_a_home_on_a_network(home: Home, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")
    assert wrong(list(home_checks.check_home(home, mounts))) == ["home"]


def test_doctor_sees_a_disk_that_is_nearly_full(sample: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_checks, "LOW_BYTES", 1 << 80)
    assert wrong(findings()) == ["disk"]


def test_doctor_sees_a_spool_that_is_nearly_full(spooled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METER_SPOOL_MAX_BYTES", "2000")
    settings.reset()
    assert wrong(list(check_spool(read_status(spooled)))) == ["spool"]


@pytest.mark.parametrize(("hours", "state"), [(0, "note"), (2, "wrong")])
def test_doctor_sees_what_waits_too_long(sample: Home, hours: int, state: str) -> None:
    meter.record(provider="openai", model="m", usage={"input": 1}, started_at=time.time() - hours * 3600)
    recorder.close()
    (segment,) = sample.spool.glob("*.ndjson")
    call = segment.read_bytes().splitlines()[-1]
    segment.write_bytes(b"\n" + call + b"\n")
    (finding,) = (finding for finding in check_ledger(read_status(sample)) if finding.subject == "lag")
    assert finding.state == state


def test_a_ledger_that_is_busy_is_read_as_it_was(sample: Home, capsys: pytest.CaptureFixture[str]) -> None:
    meter.record(provider="openai", model="m", usage={"input": 1})
    with Ledger(sample).writing():
        freshen(Ledger(sample))
    assert capsys.readouterr().err.startswith("without what waits in the spool: the ledger in ")


def openai_provider() -> Provider:
    (provider,) = (one for one in load() if one.package == "openai")
    return provider


def test_doctor_sees_an_sdk_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_sdk.py").write_text("raise RuntimeError('half installed')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    known = [replace(openai_provider(), package=name) for name in ("broken_sdk", "an_sdk_that_is_not_here")]
    broken, absent = sdks.check_sdks(known)
    assert broken.state == "wrong"
    assert "RuntimeError: half installed" in broken.detail
    assert (absent.state, absent.subject) == ("note", "an_sdk_that_is_not_here")


def test_doctor_sees_why_the_shared_home_is_not_used() -> None:
    place = Home(Path("/nonexistent/home"), fallback="/var/lib/meter exists but this user may not write there")
    found = list(home_checks.check_home(place))
    assert found[0].state == "wrong"
    assert "may not write there" in found[0].detail


def test_doctor_sees_a_home_open_to_everyone(sample: Home) -> None:
    sample.path.chmod(0o755)
    (finding,) = (finding for finding in findings() if finding.subject == "modes")
    assert finding.mend == f"chmod o-rwx {sample.path}"


def test_a_segment_that_may_not_be_read_is_a_fault(spooled: Home) -> None:
    # Root may read everything, so the mode of a file would show nothing here.
    (segment,) = segments(spooled.spool)
    found = replace(read_status(spooled), found=[replace(segment, readable=False)])
    assert found.unreadable == 1
    assert wrong(list(check_spool(found))) == ["spool"]


def test_lost_calls_and_failed_steps_are_in_status_and_doctor(home: Home) -> None:
    from meter import guard
    from meter.spool import Writer

    home.spool.mkdir(parents=True)
    guard.failures["record"] += 2

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    writer = Writer(home.spool, failures=guard.failures, write=full)
    assert not writer.append(b'{"v":1}')
    writer.publish()
    row = status()
    assert row["lost"] == 1
    assert row["failures"]["record"] == 2
    assert {"lost", "failures"} <= set(wrong(findings()))
    writer.close()


def hooks_line(**hooks: str) -> bytes:
    line = event.Process(event.SCHEMA, event.new_id(event.now_us()), event.now_us(), "shop", "web-1", 7)
    line.python, line.meter, line.sdks, line.hooks = "3.12.1", "0.1.0", {"openai": "9.9.9"}, hooks
    return event.encode(line)


def test_doctor_sees_a_service_whose_hook_does_not_fit(home: Home) -> None:
    home.spool.mkdir(parents=True)
    line = hooks_line(**{"openai._base_client:SyncAPIClient.request": "missing: openai 9.9.9 has none"})
    (home.spool / f"{'0' * 32}.ndjson").write_bytes(b"\n" + line + b"\n")
    (fault,) = (finding for finding in findings() if finding.state == "wrong")
    assert fault.subject == "shop on web-1"
    assert "SyncAPIClient.request is missing" in fault.detail


def test_a_service_whose_hooks_fit_is_well() -> None:
    process = services.Process("shop", "web-1", "0.1.0", "3.12.1", {"openai": "3.0.0"}, {"a": "patched"})
    (finding,) = services.judge(process)
    assert finding.state == "ok"


def hook(state: str, version: str) -> dict[str, Any]:
    return {"target": "openai._base_client:SyncAPIClient.request", "state": state, "detail": "", "version": version}


@pytest.mark.parametrize(
    ("state", "version", "verdict"),
    [
        ("patched", "3.0.0", "ok"),
        ("patched", "1.30.0", "ok"),
        ("patched", "99.0.0rc1", "note"),
        ("patched", "0.9", "note"),
        ("missing", "3.0.0", "wrong"),
        ("changed", "99.0.0", "wrong"),
        ("waiting", "3.0.0", "wrong"),
    ],
)
def test_an_unknown_version_of_an_sdk_is_judged_by_whether_the_hooks_fit(
    state: str, version: str, verdict: str
) -> None:
    assert sdks.judge(openai_provider(), [hook(state, version)]).state == verdict


def test_the_selftest_finds_every_usage_as_the_wire_stated_it(home: Home) -> None:
    shown = run("doctor", "--selftest", "--format", "json")
    rows = json.loads(shown.out)
    assert (shown.code, {row["result"] for row in rows}) == (0, {"ok"})
    assert {row["sdk"] for row in rows} == {"openai", "anthropic"}
    assert all(row["usage_expected"] == row["usage_recorded"] for row in rows)
    assert not home.path.exists()


def test_a_selftest_that_goes_wrong_is_an_error() -> None:
    from meter.doctor.selftest import Outcome

    right = Outcome("openai", "chat", {"input": 8}, {"input": 8}, 1, None)
    assert right.passed
    for outcome in (
        Outcome("openai", "chat", {"input": 8}, {"input": 9}, 1, None),
        Outcome("openai", "chat", {"input": 8}, {"input": 8}, 2, None),
        Outcome("openai", "chat", {"input": 8}, None, 0, None),
        Outcome("openai", "chat", {"input": 8}, {"input": 8}, 1, "ValueError: no"),
    ):
        assert not outcome.passed
        assert not outcome.skipped
    assert Outcome("openai", "responses", {}, None, 0, "NotImplementedError: this version has none").skipped


def test_doctor_on_a_terminal_fits_it(sample: Home) -> None:
    shown: Ran = run_terminal("doctor")
    assert shown.code == 0
    assert max(map(len, bare(shown.out).replace("\r", "\n").splitlines())) <= 80

"""doctor: whatever goes wrong can be seen, and says how to mend it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import meter
from meter import event, recorder, settings
from meter.doctor import homes as home_checks
from meter.doctor import sdks, services
from meter.doctor.ledgers import check_ledger
from meter.doctor.spooled import check_spool
from meter.home import Home
from meter.providers.model import Provider
from meter.providers.sdks import load
from meter.report.status import status as read_status
from meter.spool import segments
from tests.cli.running import MAIN, Ran, bare, findings, run, run_process, run_terminal, status, wrong, wrong_rows


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


@pytest.mark.parametrize(("version", "state", "verdict"), [("3.3.1", "absent", "ok"), ("3.5.0", "missing", "wrong")])
def test_a_version_from_before_an_sdk_called_by_itself_lacks_nothing(version: str, state: str, verdict: str) -> None:
    dspy = next(provider for provider in load() if provider.package == "dspy")
    assert sdks.judge(dspy, [hook(state, version)]).state == verdict


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

"""The home: where it is, with which modes, and where it must not be."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from meter import home, settings
from meter.errors import SettingInvalid, SpoolUnsafe


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_home_is_closed_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    settings.reset()
    found = home.find(shared=tmp_path / "absent")
    home.ensure(found)
    assert found.path == tmp_path / "meter"
    assert (mode(found.path), mode(found.spool), found.segment_mode, found.ledger_mode) == (0o700, 0o700, 0o600, 0o600)


def test_a_shared_home_is_used_where_it_may_be_written_and_never_made(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    assert home.find(shared=shared).shared is False
    assert not shared.exists()
    shared.mkdir()
    found = home.find(shared=shared)
    assert (found.path, found.shared, found.segment_mode, found.ledger_mode) == (shared, True, 0o640, 0o660)


def test_a_store_is_one_file_wherever_a_program_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = home.Home(tmp_path / "home")
    monkeypatch.setenv("HOME", str(tmp_path))
    for store, path in {
        "led.duckdb": place.path / "led.duckdb",
        "~/x.duckdb": tmp_path / "x.duckdb",
        str(tmp_path / "y.duckdb"): tmp_path / "y.duckdb",
    }.items():
        settings.configure(store=store)
        found = []
        for folder in (tmp_path / "a", tmp_path / "b"):
            folder.mkdir(exist_ok=True)
            monkeypatch.chdir(folder)
            found.append((place.ledger, place.lock))
        assert found == [(path, path.with_name("ledger.lock"))] * 2


@pytest.mark.parametrize("store", ["ducklake:pg", "postgres://host/db", "s3://bucket/meter.duckdb", "md:meter"])
def test_a_store_that_is_no_file_is_refused_and_never_taken_for_a_path(tmp_path: Path, store: str) -> None:
    settings.configure(store=store)
    with pytest.raises(SettingInvalid, match="keeps the ledger in a DuckDB file") as caught:
        _ = home.Home(tmp_path).ledger
    assert caught.value.hint


def test_falling_back_from_a_shared_home_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)  # the tests may run as root, whom no mode stops
    found = home.find(shared=shared)
    assert found.shared is False
    assert found.fallback is not None
    assert str(shared) in found.fallback


def test_a_network_file_system_is_refused_with_the_way_out(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n")
    with pytest.raises(SpoolUnsafe, match="nfs4") as caught:
        home.ensure(home.Home(tmp_path / "home"), mounts=mounts)
    assert "METER_HOME" in str(caught.value.hint)


def test_the_deepest_mount_decides(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x / nfs rw 0 0\n/dev/sdb {tmp_path} ext4 rw 0 0\n")
    assert home.file_system(tmp_path / "home" / "spool", mounts) == "ext4"
    assert home.file_system(tmp_path, tmp_path / "no-such-file") is None


def test_the_ledger_and_the_configuration_can_lie_elsewhere(tmp_path: Path) -> None:
    settings.configure(store=str(tmp_path / "other" / "x.duckdb"), config=str(tmp_path / "my.toml"))
    place = home.Home(tmp_path)
    assert place.ledger == tmp_path / "other" / "x.duckdb"
    assert place.lock == tmp_path / "other" / "ledger.lock"
    assert place.config == tmp_path / "my.toml"


@pytest.mark.parametrize("inside", ["", "home"])
def test_a_file_cannot_be_the_home_nor_hold_it(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingInvalid, match="file is not a folder"):
        home.check(home.Home(tmp_path / "file" / inside))
    home.check(home.Home(tmp_path / "not" / "there"))


def test_a_configuration_that_is_named_must_be_there(tmp_path: Path) -> None:
    place = home.Home(tmp_path)
    home.check(place)
    settings.configure(config=str(tmp_path / "mine.toml"))
    with pytest.raises(SettingInvalid, match=r"METER_CONFIG names .*mine\.toml"):
        home.check(place)
    (tmp_path / "mine.toml").write_text("")
    home.check(place)

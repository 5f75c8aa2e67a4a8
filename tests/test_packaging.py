"""The wheel holds what it should, nothing else, and works from anywhere."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel; the source is copied first so that no build product is left in the tree."""
    work = tmp_path_factory.mktemp("wheel")
    tracked = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, tracked):
        source, target = ROOT / name, work / "src" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_file():
            target.write_bytes(source.read_bytes())
    run(sys.executable, "-m", "build", "--wheel", "--outdir", work / "dist", work / "src", cwd=work)
    return next((work / "dist").glob("*.whl"))


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the base install alone; returns its bin folder."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=True, symlinks=True)
    run(folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=folder)
    return folder / "bin"


def test_every_package_is_listed() -> None:
    folders = {path.parent for path in (ROOT / "meter").rglob("__init__.py") if not path.parent.is_symlink()}
    found = {".".join(folder.relative_to(ROOT).parts) for folder in folders} | {"meter.exporters", "meter.queries"}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_the_wheel_installs_nothing_at_the_top_but_meter(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"meter"}


def test_the_wheel_holds_every_source_and_data_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    places = {"meter": "meter", "exporters": "meter/exporters", "queries": "meter/queries"}
    wanted = {
        f"{target}/{path.relative_to(ROOT / source)}"
        for source, target in places.items()
        for pattern in ("*.py", "*.sql", "*.toml", "py.typed")
        for path in (ROOT / source).rglob(pattern)
        if not any(parent.is_symlink() for parent in path.parents)
    }
    assert wanted - held == set()
    assert not [name for name in held if "test" in name.lower() and name.endswith(".py") and "selftest" not in name]


def test_the_base_install_is_wrapt_and_msgspec_only(bare: Path, tmp_path: Path) -> None:
    listed = run(bare / "pip", "list", "--format", "freeze", "--disable-pip-version-check", cwd=tmp_path)
    names = {line.split("==")[0].lower() for line in listed.splitlines() if "==" in line}
    assert names - {"pip", "setuptools"} == {"spendmeter", "wrapt", "msgspec"}


def test_the_base_install_records_and_has_its_inner_packages(bare: Path, tmp_path: Path) -> None:
    code = (
        "import meter.auto, meter, sys\n"
        "meter.record(provider='openai', model='m', usage={'input': 1})\n"
        "import meter.exporters, meter.queries\n"
        "assert 'exporters' not in sys.modules and 'queries' not in sys.modules\n"
        "outside = {n.split('.')[0] for n in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(sorted(n for n in outside if not n.startswith('_')))\n"
    )
    told = run("env", f"METER_HOME={tmp_path / 'home'}", bare / "python", "-W", "error", "-c", code, cwd=tmp_path)
    assert told.strip() == "['meter', 'msgspec']"
    assert list((tmp_path / "home" / "spool").glob("*.ndjson"))


@pytest.mark.parametrize("command", ["meter", "spendmeter"])
def test_the_command_without_the_extra_says_which_extra(bare: Path, tmp_path: Path, command: str) -> None:
    told = run(bare / command, "spend", cwd=tmp_path, code=1)
    assert "spendmeter[agent]" in told
    assert "Traceback" not in told


def test_a_full_install_runs_the_command_from_elsewhere(tmp_path: Path) -> None:
    told = run(Path(sys.executable).parent / "meter", "--help", cwd=tmp_path)
    assert "spend" in told


def test_the_two_folders_are_never_imported_by_their_bare_names() -> None:
    modules = "meter.exporters, meter.queries, meter.ledger, meter.cli"
    code = f"import {modules}, sys; print({{'exporters', 'queries'}} & set(sys.modules))"
    assert run(sys.executable, "-c", code, cwd=ROOT).strip() == "set()"


def test_the_public_names_are_complete_sorted_and_there() -> None:
    import meter

    assert meter.__all__ == sorted(meter.__all__)
    assert set(meter._HOME_OF) | {"risk"} == set(meter.__all__)
    for name in meter.__all__:
        assert getattr(meter, name) is not None
    assert set(meter.__all__) <= set(dir(meter))
    with pytest.raises(AttributeError, match="colour"):
        _ = meter.colour


def test_without_the_extra_all_names_are_there_and_say_what_is_missing_when_they_are_used(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["duckdb"] = None  # as if it were not installed
import inspect, meter
from meter import *
assert dict(inspect.getmembers(meter))["connect"].__name__ == "connect" and hasattr(meter, "connect")
try:
    meter.connect()
except MeterError as error:
    print(type(error).__name__, error.message, error.hint)
del sys.modules["duckdb"]
print(meter.connect is not connect, meter.connect.__module__)
"""
    told = run(sys.executable, "-c", code, cwd=tmp_path).splitlines()
    missing = "meter.connect needs duckdb, which is not installed"
    assert told == [f"ExtraMissing {missing} run: pip install 'spendmeter[agent]'", "True meter.ledger.connection"]


def test_the_constraints_hold_versions_without_addresses() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert "/" not in line
        assert line.startswith("#") or "==" in line, line

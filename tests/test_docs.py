"""README.md is true: its tables and answers are those of this code, its programs run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from meter.doctor import configuration
from meter.home import Home
from meter.simulator import Simulator

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SETTINGS = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
LINKS = re.findall(r"\]\((?!http|#)([^)]+)\)", README)


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_runs(home: Home, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    with Simulator() as simulator:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-simulated")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{simulator.url}/v1")
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert list(home.spool.glob("*.ndjson"))


@pytest.mark.parametrize("text", SETTINGS)
def test_each_configuration_has_no_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "rates.csv").write_text("from,to,on,rate,source\n")
    (tmp_path / "meter.toml").write_text(text)
    assert configuration.check(tmp_path / "meter.toml") == []


def test_the_generated_parts_are_up_to_date() -> None:
    command = [str(Path(sys.executable).with_name("cog")), "--check", "--diff", "README.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run: make docs\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("target", LINKS)
def test_each_link_inside_the_project_leads_somewhere(target: str) -> None:
    assert (ROOT / target.split("#")[0]).exists()


@pytest.mark.parametrize("target", re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+) ", README, re.MULTILINE))
def test_each_make_target_exists(target: tuple[str, str]) -> None:
    assert re.search(rf"^{''.join(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE)

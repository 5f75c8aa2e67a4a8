"""Many calls of all kinds at once: none is lost, memory stays flat, no descriptor is left open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CALLS = 200_000 if os.environ.get("METER_TEST_ALL") else 4_000
FLAT_KB = 4096


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc")
def test_a_soak_loses_nothing_and_grows_by_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("openai", minversion="2.0")  # the bench's transport is of its time
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.soak", "--calls", str(CALLS)],
        capture_output=True,
        text=True,
        check=True,
        timeout=3600,
    )
    found = json.loads(done.stdout)
    with capsys.disabled():
        slope, end = found["slope_bytes_per_call"], found["memory_kb"][-1]
        print(f"\nsoak: {found['recorded']:,} of {found['made']:,} calls, {slope} bytes a call, {end:,} kB at the end")
    assert found["made"] == found["recorded"] >= CALLS * 0.9
    assert found["failures"] == {}
    assert found["descriptors"][0] == found["descriptors"][1]
    assert found["memory_kb"][-1] - found["memory_kb"][len(found["memory_kb"]) // 2] < FLAT_KB

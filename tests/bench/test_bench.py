"""The bench runs: at a tiny size, without other tools, and without judging any figure."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench import patches, timing
from tests.bench.sections import Options

TINY = Options(
    turns=2, size=2, starts=1, memory_calls=5, repeats=1, calls=2000, millions=(0.002,), tools=(), families=("ollama",)
)


@pytest.mark.parametrize("name", sorted(bench.SECTIONS))
def test_each_section_runs_and_its_figures_are_json(name: str) -> None:
    (table,) = bench.run([name], TINY).values()
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert json.loads(json.dumps(table.data)) == table.data
    assert table.rows or name in ("tools", "wire")  # which need what may not be here


def test_the_command_writes_its_figures_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    assert bench.main(["record", "--quick", "--turns", "2", "--json", str(target)]) == 0
    assert "steps" in json.loads(target.read_text())["record"]


def test_a_section_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["speed"])
    assert "no section 'speed'" in capsys.readouterr().err


def test_arms_take_turns_in_rotating_order_and_are_paired_with_the_bare_block() -> None:
    order: list[str] = []
    block = {"bare": 1000, "tool": 1700}
    times = timing.take_turns(
        {name: partial(order.append, name) for name in block},
        lambda count: [block[order[-1]]] * count,
        turns=2,
        size=3,
    )
    assert order == ["bare", "tool", "tool", "bare"]
    assert timing.summarise(times, "bare")["tool"]["added"] == pytest.approx(0.7)


def test_what_an_installation_changes_can_be_switched_off_and_on() -> None:
    import openai._base_client as module

    bare = patches.attributes()
    original = module.SyncAPIClient.request
    module.SyncAPIClient.request = patched = lambda *_: None  # type: ignore[assignment]
    forth, back = patches.changes(bare, patches.attributes())
    patches.apply(back)
    assert module.SyncAPIClient.request is original
    patches.apply(forth)
    assert module.SyncAPIClient.request is patched
    patches.apply(back)

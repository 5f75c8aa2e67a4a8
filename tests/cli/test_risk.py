"""risk: what is claimed, and who says so."""

from __future__ import annotations

from meter.home import Home
from tests.cli.running import objects, run


def test_risk_says_what_is_claimed_and_who_says_so(sample: Home) -> None:
    sample.config.write_text('[margins]\nopenai = "-0.5"\n')
    shown = run("risk", "--format", "json")
    rows = {(row["provider"], row["basis"]): row for row in objects(shown.out)}
    mine = rows["openai", "full"]
    assert (mine["margin"], mine["multiplier"], mine["risk_adjusted_cost"], mine["currency"]) == (
        "-0.5", "1.5", "0.00072", "USD",
    )  # fmt: skip
    assert rows["anthropic", "full"]["source"]
    assert "claims, not facts" in shown.err
    assert "0.00072" in run("risk").out

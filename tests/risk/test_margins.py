"""Claims about margins are dated, sourced, overridable data."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from meter.errors import SettingInvalid
from meter.risk import claims, multipliers


def written(tmp_path: Path, text: str) -> Path:
    config = tmp_path / "meter.toml"
    config.write_text(text, "utf-8")
    return config


def in_force(config: Path | None = None) -> dict[tuple[str, str], str]:
    return {(row["provider"], row["scenario"]): row["multiplier"] for row in multipliers(claims(config))}


def test_every_shipped_claim_has_a_date_a_source_and_a_confidence() -> None:
    found = [claim for several in claims().values() for claim in several]
    assert len(found) >= 9
    assert all(claim.as_of and claim.source and claim.measure and claim.period for claim in found)
    assert {claim.confidence for claim in found} <= {"high", "medium", "low"}


def test_several_claims_stand_side_by_side_and_the_first_of_each_basis_is_in_force() -> None:
    assert len(claims()["anthropic"]) > 2
    assert in_force()["anthropic", "break_even_full"] == "1.77"
    assert in_force()["anthropic", "break_even_serving"] == "1"


@pytest.mark.parametrize(("margin", "multiplier"), [("-0.77", "1.77"), ("-0.5", "1.5"), ("0.4", "1")])
def test_a_margin_in_the_users_file_moves_the_multiplier(tmp_path: Path, margin: str, multiplier: str) -> None:
    config = written(tmp_path, f"[margins]\nanthropic = {margin}\n")
    assert in_force(config)["anthropic", "break_even_full"] == multiplier
    assert ("anthropic", "break_even_serving") not in in_force(config)
    assert in_force(config)["openai", "break_even_full"] == in_force()["openai", "break_even_full"]


def test_the_users_file_has_the_shape_of_the_shipped_one(tmp_path: Path) -> None:
    config = written(
        tmp_path,
        '[[margins.bedrock]]\nbasis = "serving"\nmargin = -0.25\nas_of = 2026-03-31\nsource = "a call"\nconfidence = "high"\n',
    )
    (claim,) = claims(config)["aws.bedrock"]
    assert (claim.basis, claim.margin, claim.as_of, claim.source) == (
        "serving",
        Decimal("-0.25"),
        "2026-03-31",
        "a call",
    )


def test_a_file_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    assert claims(tmp_path / "none.toml") == claims(written(tmp_path, "[period]\ntimezone = 'UTC'\n")) == claims()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("margins = 3", r"\[margins\] is no table"),
        ("[margins]\nopenai = 1.0", "openai: a margin of 1.0 would mean"),
        ("[margins]\nopenai = 'much'", "openai: margin is 'much'"),
        ("[margins.openai]\nsource = 'x'", "openai: margin is None"),
        ("[margins.openai]\nmargin = 0\nbasis = 'net'", "basis 'net' is none of full, serving"),
        ("[margins.openai]\nmargin = 0\nconfidence = 'sure'", "confidence 'sure' is none of"),
        ("[margins.openai]\nmargin = 0\nas_of = 'soon'", "as_of 'soon' is no date"),
        ("[margins.openai]\nmargin = 0\nmood = 'good'", "unexpected keyword argument 'mood'"),
        ("[margins]\nopenai = -0.1234567", "more than 6 decimals"),
    ],
)
def test_a_claim_that_cannot_be_read_names_the_file_and_the_provider(tmp_path: Path, text: str, message: str) -> None:
    config = written(tmp_path, text)
    with pytest.raises(SettingInvalid, match=message) as caught:
        claims(config)
    assert str(config) in caught.value.message
    assert caught.value.hint

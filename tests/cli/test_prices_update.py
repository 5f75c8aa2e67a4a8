"""`meter prices update` as users run it: what it says, what it changes, and what it refuses."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meter.home import Home
from meter.ledger import Ledger
from meter.pricing import following, installed
from tests.cli.running import Ran, bare, run, run_process, run_terminal
from tests.ledger.records import rows
from tests.pricing import files
from tests.pricing.test_fetching import serving


@pytest.fixture(autouse=True)
def installed_again() -> Iterator[None]:
    yield
    following.hold(None)


@pytest.fixture
def dearer(tmp_path: Path) -> Path:
    """A catalogue in which one price is another."""
    raw = files.changed(lambda raw: files.model(raw)["prices"].update(input_mtok=0.3))
    return files.write(tmp_path / "dearer.json", raw)


def listed(*words: str) -> dict[str, Any]:
    """Return the price of input of one model."""
    done = run("prices", "list", "gpt-4o-mini", "--provider", "openai", *words, "--format", "json")
    found = [r for r in json.loads(done.out) if (r["usage_class"], r["conditions"]) == ("input", "standard")]
    assert len(found) == 1
    return dict(found[0])


def refused(done: Ran) -> str:
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 2, "one sentence, and a hint"
    return done.err


def test_without_a_ledger_the_installed_catalogue_is_all_new_and_then_nothing_is(home: Home) -> None:
    shown = run("prices", "update", "--dry-run")
    assert (shown.code, home.path.exists()) == (0, False)
    assert " added, 0 removed, 0 changed (" in shown.out
    assert "nothing was changed: --dry-run" in shown.err
    assert run("prices", "update").out == shown.out
    again = run("prices", "update")
    assert (again.code, again.err) == (0, "")
    assert again.out.startswith(f"nothing new: the price book has genai-prices {installed.version()}, recorded on 20")
    assert (
        run("prices", "update", "--format", "json").out.strip(),
        run("prices", "update", "--format", "csv").out[:6],
    ) == (
        "[]",
        "change",
    )


def test_a_file_shows_its_difference_and_prices_from_then_on(sample: Home, dearer: Path) -> None:
    costs = rows(Ledger(sample), "SELECT * FROM calls ORDER BY ALL"), rows(Ledger(sample), "FROM charges ORDER BY ALL")
    tried = run("prices", "update", "--file", str(dearer), "--dry-run", "--format", "json")
    assert listed()["price"] == "0.15"
    done = run("prices", "update", "--file", str(dearer), "--format", "json")
    assert (done.code, done.out) == (0, tried.out)
    assert json.loads(done.out)[0] == {
        "change": "changed",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "conditions": "standard",
        "usage_class": "input",
        "old_price": "0.15",
        "new_price": "0.3",
        "percent": 100,
        "per": "1M tokens",
        "currency": "USD",
        "valid_from": None,
        "input_over": None,
        "from_hour_utc": None,
    }
    assert done.err.splitlines()[0].startswith(
        "0 models added, 0 removed, 1 changed (1 price): genai-prices of sha256:"
    )
    assert "to price them anew: meter reprice" in done.err
    now = listed()
    assert (now["price"], now["origin"], now["source"]) == ("0.3", str(dearer), "genai-prices")
    assert now["url"].startswith("https://")
    assert len(now["digest"]) == 32
    after = rows(Ledger(sample), "SELECT * FROM calls ORDER BY ALL"), rows(Ledger(sample), "FROM charges ORDER BY ALL")
    assert after == costs
    again = run("prices", "update", "--file", str(dearer))
    assert again.out.startswith("nothing new: the price book has genai-prices of sha256:")


def test_what_was_known_before_the_update_can_still_be_listed(sample: Home, dearer: Path) -> None:
    first = listed()["recorded_at"]
    run("prices", "update", "--file", str(dearer))
    with Ledger(sample).writing() as con:
        con.execute("UPDATE ledger.catalogues SET recorded_at = recorded_at + INTERVAL 1 DAY WHERE edition = 2")
    assert first.endswith("Z")
    assert [listed(*words)["price"] for words in ((), ("--at", "2026-01-01"))] == ["0.3", "0.3"]
    moments = rows(Ledger(sample), "SELECT strftime(recorded_at, '%Y-%m-%dT%H:%M:%S.%f') || 'Z' FROM ledger.catalogues")
    assert [listed("--known-at", moment)["price"] for (moment,) in moments] == ["0.15", "0.3"]
    unknown = run("prices", "list", "gpt-4o-mini", "--known-at", "2020-01-01")
    assert "no price was known at 2020-01-01: the first catalogue was taken in 20" in refused(unknown)
    for text in ("yesterday", "2026-01-01Tnoon"):
        assert f"{text!r} is not a" in refused(run("prices", "list", "--known-at", text))


def test_a_long_list_is_cut_on_the_screen_and_whole_in_a_file(home: Home) -> None:
    shown = run("prices", "update", "--dry-run")
    whole = list(csv.DictReader(io.StringIO(run("prices", "update", "--dry-run", "--format", "csv").out)))
    assert len(shown.out.splitlines()) == 42
    assert f"{len(whole) - 40:,} more prices: --format csv lists all" in shown.err
    assert {row["change"] for row in whole} == {"added"}


def test_the_difference_fits_a_terminal(sample: Home, dearer: Path) -> None:
    shown = bare(run_terminal("prices", "update", "--file", str(dearer), "--dry-run").out)
    assert max(map(len, shown.splitlines()[1:])) <= 80
    assert "gpt-4o-mini" in shown


def test_a_refused_file_changes_nothing(sample: Home, dearer: Path, tmp_path: Path) -> None:
    tables = ("catalogues", "catalogue_texts", "rate_cards", "withdrawals")

    def everything() -> list[Any]:
        return [rows(Ledger(sample), f"FROM ledger.{table} ORDER BY ALL") for table in tables]

    before = everything()
    whole = dearer.read_text()
    texts = {
        "cut.json": (whole[:-9], "cut.json is cut short at line 1, column"),
        "wrong.json": (whole.replace("0.3", '"much"', 1), "which is no number"),
        "few.json": (files.text(files.small()), "known models"),
        "empty.json": ("[]", "the list of providers is empty"),
    }
    for name, (text, said) in texts.items():
        path = files.write(tmp_path / name, text)
        for more in ([], ["--dry-run"]):
            assert said in refused(run("prices", "update", "--file", str(path), *more))
    assert "No such file" in refused(run("prices", "update", "--file", "nowhere.json"))
    disagreeing = run("prices", "update", "--file", str(dearer), "--version", installed.version())
    assert "disagrees with version" in refused(disagreeing)
    assert everything() == before


def test_the_network_is_used_only_when_asked(sample: Home, dearer: Path) -> None:
    with serving(dearer.read_bytes()) as url:
        done = run("prices", "update", "--network", f"{url}/whole", "--dry-run")
        assert done.code == 0
        assert done.err.splitlines()[0] == f"fetching {url}/whole"
        assert f"from {url}/whole" in done.out
        gone = run("prices", "update", "--network", f"{url}/gone")
        assert gone.code == 1
        assert f"Error: {url}/gone answered 404 Not Found" in gone.err
        cut = run("prices", "update", "--network", f"{url}/cut")
        assert "could not be fetched: RemoteProtocolError" in cut.err
    assert listed()["price"] == "0.15"


def test_a_price_that_falls_to_nothing_is_pointed_out(sample: Home, tmp_path: Path) -> None:
    raw = files.changed(lambda raw: files.model(raw).update(prices={}))
    shown = run("prices", "update", "--file", str(files.write(tmp_path / "free.json", raw)), "--dry-run")
    assert "1 model had a price and would be free: openai/gpt-4o-mini the first; is that so?" in shown.err


def test_a_ledger_of_an_older_schema_can_be_asked_and_stays_as_it_is(home: Home) -> None:
    packed = Path(__file__).parents[1] / "data" / "ledgers" / "0002.duckdb.gz"
    home.path.mkdir()
    home.ledger.write_bytes(gzip.decompress(packed.read_bytes()))
    before = home.ledger.read_bytes()
    assert run("prices", "update", "--dry-run").code == 0
    assert home.ledger.read_bytes() == before


def test_no_other_command_opens_a_socket(sample: Home, dearer: Path) -> None:
    code = """
import sys, socket
def refuse(*_): raise AssertionError("the network was used")
socket.socket.connect = refuse
from meter.cli import main
sys.exit(main())
"""
    for words in (
        ["prices", "update"],
        ["prices", "list", "o3"],
        ["prices", "update", "--file", str(dearer)],
        ["ingest"],
    ):
        done = run_process(*words, code=code)
        assert done.code == 0, done.err


@pytest.mark.parametrize(
    "words",
    [
        ["--file", "a", "--network", "b"],
        ["--version", "0.2.3"],
        ["--file", "a", "--version", "newest"],
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(home: Home, words: list[str]) -> None:
    assert run("prices", "update", *words).code == 2


def test_a_shared_ledger_is_written_by_its_agent_only(
    sample: Home, dearer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Home, "may_write_ledger", False)
    assert "may not be written here" in refused(run("prices", "update", "--file", str(dearer)))
    assert run("prices", "update", "--file", str(dearer), "--dry-run").code == 0

"""What calls cost under contracts: list and contracted side by side, dated, exact."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from meter import pricing
from tests.pricing.batches import call, charges, price_calls, price_one
from tests.pricing.contracts.terms import configure

Book = duckdb.DuckDBPyConnection
SONNET = ("claude-sonnet-4-5", "anthropic")
THE_15TH = datetime(2026, 10, 15, tzinfo=timezone.utc)
MILLION = {"input": 100_000}


def test_a_fifth_off_from_the_15th_leaves_what_was_before_as_it_was(own_book: Book, tmp_path: Path) -> None:
    configure(own_book, tmp_path, '[contracts.acme]\nprovider = "anthropic"\nfrom = 2026-10-15\nmultiplier = 0.8')
    moments = (THE_15TH - timedelta(microseconds=1), THE_15TH)
    before, after = price_calls(own_book, [call(*SONNET, usage=MILLION, started_at=at) for at in moments])
    assert (before["list_cost"], before["contracted_cost"], before["contract_card_id"]) == (
        Decimal("0.3"),
        Decimal("0.3"),
        None,
    )
    assert (after["list_cost"], after["contracted_cost"]) == (Decimal("0.3"), Decimal("0.24"))
    assert after["effective_cost"] == after["contracted_cost"]
    assert after["contract_rule_id"] is not None


def test_a_multiplier_keeps_the_long_context_price_at_its_boundary(own_book: Book, tmp_path: Path) -> None:
    configure(own_book, tmp_path, "[contracts.acme]\nmultiplier = 0.5")
    usages = [{"input": 200_000}, {"input": 200_001}]
    short, long = price_calls(own_book, [call(*SONNET, usage=usage) for usage in usages])
    assert (short["list_cost"], short["contracted_cost"]) == (Decimal("0.6"), Decimal("0.3"))
    assert (long["list_cost"], long["contracted_cost"]) == (Decimal("1.200006"), Decimal("0.600003"))


def test_a_multiplier_of_many_digits_is_exact(own_book: Book, tmp_path: Path) -> None:
    configure(own_book, tmp_path, '[contracts.acme]\nmultiplier = "0.833333333333"')
    row = price_one(own_book, *SONNET, usage={"input": 7, "output": 3})
    exact = 7 * Decimal("0.000003") + 3 * Decimal("0.000015")
    assert row["list_cost"] == exact
    in_parts = [
        (count * price * Decimal("0.833333333333")).quantize(Decimal("1e-12"))
        for count, price in ((7, Decimal("0.000003")), (3, Decimal("0.000015")))
    ]
    assert row["contracted_cost"] == sum(in_parts)


def test_prices_of_a_contract_hold_for_classes_below_them_and_say_so(own_book: Book, tmp_path: Path) -> None:
    configure(own_book, tmp_path, '[contracts.acme]\nmodel = "claude-*"\nprices = { input = "2.40", output = "12" }')
    row = price_one(own_book, *SONNET, usage={"input": 1000, "cache_read": 1000, "output": 1000})
    assert row["contracted_cost"] == Decimal("0.0024") * 2 + Decimal("0.012")
    (cached,) = (line for line in charges(own_book) if line["usage_class"] == "cache_read")
    assert (cached["priced_as"], cached["contracted_unit_price"]) == ("input", Decimal("0.0000024"))
    assert cached["list_cost"] == Decimal("0.0003")


def test_a_model_that_only_a_contract_knows_is_priced(own_book: Book, tmp_path: Path) -> None:
    configure(own_book, tmp_path, '[contracts.own]\nmodel = "acme-7b"\nprices = { input = "0.05", output = "0.10" }')
    row = price_one(own_book, "acme-7b", "vllm", usage={"input": 1_000_000, "output": 1_000_000})
    assert (row["list_cost"], row["contracted_cost"], row["price_status"]) == (None, Decimal("0.15"), "priced")
    assert (row["priced_model"], row["rate_card_id"]) == ("acme-7b", None)


def test_what_a_fee_includes_is_free_per_call_and_keeps_its_list_cost(own_book: Book, tmp_path: Path) -> None:
    text = '[contracts.ptu]\ndeployment = "prod-*"\nfrom = 2026-01-01\nmultiplier = 0\nfee = { amount = "12.50", per = "hour" }'
    configure(own_book, tmp_path, text)
    covered, other = price_calls(
        own_book, [call(*SONNET, usage=MILLION, deployment=name) for name in ("prod-eu", "test")]
    )
    assert (covered["price_status"], covered["contracted_cost"], covered["list_cost"]) == ("free", 0, Decimal("0.3"))
    assert (other["price_status"], other["contracted_cost"], other["contract_card_id"]) == (
        "priced",
        Decimal("0.3"),
        None,
    )


def test_an_alias_gives_a_deployment_and_a_private_name_their_model(own_book: Book, tmp_path: Path) -> None:
    profile_of = '{ provider = "anthropic", model = "claude-sonnet-4-5" }'
    text = f'[aliases]\n"prod-gpt" = "gpt-4o"\n"arn:aws:bedrock:*:inference-profile/x1" = {profile_of}'
    configure(own_book, tmp_path, text)
    asked = [
        call(None, "azure.ai.openai", usage=MILLION, deployment="prod-gpt"),
        call("arn:aws:bedrock:eu-west-1:1:inference-profile/x1", "aws.bedrock", usage=MILLION),
        call(None, "azure.ai.openai", usage=MILLION, deployment="another"),
    ]
    named, profile, unknown = price_calls(own_book, asked)
    assert (named["priced_model"], named["list_cost"]) == ("gpt-4o", Decimal("0.25"))
    assert (profile["priced_model"], profile["list_cost"]) == ("claude-sonnet-4-5", Decimal("0.3"))
    assert (unknown["price_status"], unknown["list_cost"]) == ("unpriced", None)


def test_a_price_without_a_tier_does_not_hold_for_a_batch(own_book: Book, tmp_path: Path) -> None:
    configure(
        own_book, tmp_path, '[contracts.acme]\nmodel = "gpt-4o-mini"\nprices = { input = "0.10", output = "0.40" }'
    )
    standard, batch, strange = price_calls(
        own_book, [call(usage=MILLION, tier=tier) for tier in ("default", "batch", "scale")]
    )
    assert standard["contracted_cost"] == Decimal("0.01")
    assert batch["contracted_cost"] == batch["list_cost"] == Decimal("0.0075")
    assert strange["price_status"] == "unpriced"


def test_a_price_that_names_the_tier_makes_an_unknown_tier_known(own_book: Book, tmp_path: Path) -> None:
    configure(
        own_book,
        tmp_path,
        '[contracts.acme]\nmodel = "gpt-4o-mini"\ntier = "scale"\nprices = { input = "0.30", output = "1" }',
    )
    row = price_one(own_book, usage=MILLION, tier="scale")
    assert (row["price_status"], row["list_cost"], row["contracted_cost"]) == ("priced", None, Decimal("0.03"))


def test_a_price_in_rupiah_fits_and_is_exact(own_book: Book, tmp_path: Path) -> None:
    rupiah = '{ input = "250_000.55", output = 1_000_000, images = 668.5 }'
    text = f'[contracts.id]\nprovider = "openai"\ncurrency = "IDR"\nprices = {rupiah}'
    configure(own_book, tmp_path, text)
    row = price_one(own_book, usage={"input": 123_457, "output": 1_001, "images": 3})
    expected = 123_457 * Decimal("0.25000055") + 1_001 + 3 * Decimal("668.5")
    assert (row["contracted_cost"], row["currency"], row["list_currency"]) == (expected, "IDR", "USD")
    assert sum(line["contracted_cost"] for line in charges(own_book)) == expected


def test_classes_in_two_currencies_are_never_added(own_book: Book, tmp_path: Path) -> None:
    configure(own_book, tmp_path, '[contracts.eu]\nprovider = "openai"\ncurrency = "EUR"\nprices = { output = "9" }')
    row = price_one(own_book, usage={"input": 1000, "output": 1000})
    assert (row["price_status"], row["contracted_cost"], row["currency"]) == ("partial", Decimal("0.009"), "EUR")


def test_a_contract_that_goes_away_leaves_the_public_price(own_book: Book, tmp_path: Path) -> None:
    configure(own_book, tmp_path, "[contracts.acme]\nmultiplier = 0.5")
    assert price_one(own_book, *SONNET, usage=MILLION)["contracted_cost"] == Decimal("0.15")
    configure(own_book, tmp_path, "")
    assert price_one(own_book, *SONNET, usage=MILLION)["contracted_cost"] == Decimal("0.3")
    assert own_book.execute(
        "SELECT count(*) FROM ledger.contract_rules WHERE superseded_at IS NOT NULL"
    ).fetchall() == [(1,)]


def test_a_contract_for_some_usage_changes_only_that(own_book: Book, tmp_path: Path) -> None:
    configure(own_book, tmp_path, '[contracts.acme]\nusage = ["output"]\nmultiplier = 0.5')
    row = price_one(own_book, *SONNET, usage={"input": 1000, "output": 1000})
    assert (row["list_cost"], row["contracted_cost"]) == (Decimal("0.018"), Decimal("0.0105"))
    rules = {line["usage_class"]: line["contract_rule_id"] is not None for line in charges(own_book)}
    assert rules == {"input": False, "output": True}


@pytest.mark.parametrize("by_account", [True, False])
def test_matches_ask_for_the_account_only_where_a_contract_does(
    own_book: Book, tmp_path: Path, by_account: bool
) -> None:
    configure(
        own_book, tmp_path, f'[contracts.acme]\n{"account" if by_account else "region"} = "org-1"\nmultiplier = 0.5'
    )
    price_calls(own_book, [call(usage=MILLION, account=f"org-{number}") for number in range(5)])
    ((asked,),) = own_book.execute("SELECT count(*) FROM ledger.model_matches").fetchall()
    assert asked == (5 if by_account else 1)


@pytest.mark.parametrize(("written", "served"), [("on_demand_flex", "flex"), ("default", None), ("batches", "batch")])
def test_a_tier_goes_by_all_its_names(own_book: Book, tmp_path: Path, written: str, served: str | None) -> None:
    configure(own_book, tmp_path, f'[contracts.acme]\ntier = "{written}"\nmultiplier = 0.5')
    row = price_one(own_book, "gpt-5", usage=MILLION, tier=served)
    assert row["contracted_cost"] * 2 == row["list_cost"]


def test_a_call_without_a_price_is_under_its_contracts_all_the_same(own_book: Book, tmp_path: Path) -> None:
    fee = '{ amount = 2, per = "hour", quantity = 8, spread = true }'
    text = f'[contracts.gpus]\nmodel = "acme-*"\nfrom = 2026-01-01\nfee = {fee}'
    configure(own_book, tmp_path, text)
    row = price_one(own_book, "acme-70b", "vllm", usage=MILLION)
    assert (row["price_status"], row["contracted_cost"]) == ("unpriced", None)
    query = "SELECT terms FROM ledger.rate_cards WHERE rate_card_id = ?"
    assert len(own_book.execute(query, [row["contract_card_id"]]).fetchall()[0][0]) == 1
    assert all(line["contracted_cost"] is None for line in charges(own_book))


def test_of_two_volume_tiers_the_more_specific_counts_a_call_and_each_keeps_its_prices(
    own_book: Book, tmp_path: Path
) -> None:
    tier = "volume = { tiers = [{ over = 0, multiplier = 0.9 }] }"
    fee = 'from = 2026-01-01\nfee = { amount = 2, per = "hour" }'
    configure(
        own_book,
        tmp_path,
        f'[contracts.broad]\nprovider = "openai"\nmultiplier = 0.5\n{tier}\n'
        f'[contracts.mini]\nprovider = "openai"\nmodel = "gpt-4o-mini*"\n{tier}\n[contracts.fee]\n{fee}',
    )
    counting = {"gpt-4o-mini": ["fee", "mini"], "gpt-4o": ["broad", "fee"]}
    for model, names in counting.items():
        row = price_one(own_book, model, usage=MILLION)
        assert row["contracted_cost"] * 2 == row["list_cost"]
        query = """
            SELECT name FROM ledger.contract_rules WHERE contract_rule_id IN (
                SELECT unnest(terms) FROM ledger.rate_cards WHERE rate_card_id = ?
            ) ORDER BY ALL"""
        assert [name for (name,) in own_book.execute(query, [row["contract_card_id"]]).fetchall()] == names


@pytest.mark.parametrize("tiers", [1, 2])
def test_a_ledger_from_before_takes_several_volume_tiers_in_anew(own_book: Book, tmp_path: Path, tiers: int) -> None:
    tier = "volume = { tiers = [{ over = 0, multiplier = 0.9 }] }"
    names = ("openai", "anthropic")[:tiers]
    path = configure(
        own_book, tmp_path, "".join(f'[contracts.{name}]\nprovider = "{name}"\n{tier}\n' for name in names)
    )
    price_one(own_book, "gpt-4o", usage=MILLION)
    own_book.execute("UPDATE ledger.configurations SET digest = sha256(content)[:32]")  # as it was then
    pricing.configure(own_book, path)
    ((matches,),) = own_book.execute("SELECT count(*) FROM ledger.model_matches").fetchall()
    assert (matches == 0) == (tiers > 1)


def test_numbers_in_any_notation_and_prices_of_many_digits_are_kept(own_book: Book, tmp_path: Path) -> None:
    own = '[contracts.a]\nmodel = "m-1"\ncurrency = "IDR"\nprices = { images = 5e3, input = 1e6 }'
    configure(own_book, tmp_path, f"{own}\n[contracts.b]\nmultiplier = 5e-1")
    assert price_one(own_book, "m-1", "vllm", usage={"images": 3, "input": 7})["contracted_cost"] == 15_007
    halved = price_one(own_book, usage=MILLION)
    assert halved["contracted_cost"] * 2 == halved["list_cost"]

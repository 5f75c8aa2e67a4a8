"""[currencies]: what is read, what is refused and where, and what the ledger keeps of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from meter.errors import SettingInvalid
from meter.pricing import currencies, exchange, iso4217
from meter.pricing.exchange import Rate

Book = duckdb.DuckDBPyConnection

RATE = '[[currencies.rates]]\nfrom = "USD"\nto = "EUR"\non = 2026-10-01\nrate = 0.92\nsource = "ECB"\n'
HEADER = "from,to,on,rate,source\n"


def write(folder: Path, text: str, rows: str | None = None) -> Path:
    config = folder / "meter.toml"
    config.write_text(text, "utf-8")
    if rows is not None:
        (folder / "rates.csv").write_text(rows, "utf-8")
    return config


def test_rates_are_read_from_both_places_to_their_last_digit(tmp_path: Path) -> None:
    text = '[currencies]\nreport = "eur"\nfile = "rates.csv"\n' + RATE.replace("0.92", "0.920000000001")
    found = exchange.read(write(tmp_path, text, HEADER + "idr,usd,2026-10-01,0.000060606061,Bank Indonesia\n\n"))
    assert found.report == "EUR"
    assert found.rates == [
        Rate("USD", "EUR", date(2026, 10, 1), Decimal("0.920000000001"), "ECB"),
        Rate("IDR", "USD", date(2026, 10, 1), Decimal("0.000060606061"), "Bank Indonesia"),
    ]


def test_accounts_are_read_with_opentelemetrys_names(tmp_path: Path) -> None:
    text = '[[currencies.accounts]]\nprovider = "azure"\naccount = "prod-*"\nbilling = "eur"\n'
    (account,) = exchange.read(write(tmp_path, text)).accounts
    assert (account.provider, account.account, account.currency) == ("azure.ai.openai", "prod-*", "EUR")


def test_no_file_and_no_section_say_nothing(tmp_path: Path) -> None:
    assert exchange.read(tmp_path / "meter.toml") == exchange.Currencies()
    assert exchange.read(write(tmp_path, "[period]\n")) == exchange.Currencies()


def rate(**fields: str) -> str:
    known = {"from": '"USD"', "to": '"EUR"', "on": "2026-10-01", "rate": "0.92", "source": '"ECB"'} | fields
    return "[[currencies.rates]]\n" + "".join(f"{key} = {value}\n" for key, value in known.items() if value)


FAULTS = [
    ("currencies = 3", 1, "is no table"),
    ('[currencies]\nreprot = "EUR"', 1, "no key 'reprot'"),
    ('[currencies]\n\nreport = "EURO"', 3, "did you mean EUR?"),
    ("[currencies]\nreport = 7", 2, "7 is no currency"),
    ("[currencies]\nrates = 3", 2, "rates is no list of tables"),
    ("[currencies]\nfile = 3", 2, "file = 3 is no path"),
    ('[currencies]\nfile = "gone.csv"', 2, "cannot be read"),
    (rate() + rate(**{"from": '"USB"'}), 7, "did you mean USD?"),
    (rate() + rate(kind='"spot"', on="2026-10-02"), 7, "no key 'kind'"),
    (rate(to='"usd"'), 1, "from USD to USD itself is always 1"),
    (rate(rate="0"), 1, "rate = 0 is not above 0"),
    (rate(rate="-0.92"), 1, "rate = -0.92 is not above 0"),
    (rate(rate='"much"'), 1, "rate = 'much' is no number"),
    (rate(rate="nan"), 1, "is no number"),
    (rate(rate="inf"), 1, "is no number"),
    (rate(rate="true"), 1, "is no number"),
    (rate(rate="100000000"), 1, "is 100000000 or more"),
    (rate(rate="0.0000606060606060606"), 1, "more than 12 decimals: write 0.000060606061"),
    (rate(on='"2026-02-30"'), 1, "on = '2026-02-30' is no day"),
    (rate(on='"1 October"'), 1, "is no day such as"),
    (rate(on="2026-10-01T00:00:00Z"), 1, "is no day such as"),
    (rate(source=""), 1, "says no 'source'"),
    (rate(source="3"), 1, "source = 3 is no text"),
    (rate(rate=""), 1, "says no 'rate'"),
    (rate() + rate(rate="0.93"), 7, "USD to EUR on 2026-10-01 is 0.93 here and 0.92 at"),
    ('[[currencies.accounts]]\nprovider = "openai"', 1, "accounts say no 'billing'"),
    ('[[currencies.accounts]]\nprovider = 3\nbilling = "EUR"', 1, "provider = 3 is no name"),
    (
        '[[currencies.accounts]]\nbilling = "EUR"\n[[currencies.accounts]]\nbilling = "USD"',
        3,
        "invoiced in USD here and in EUR at",
    ),
]


@pytest.mark.parametrize(("text", "line", "message"), FAULTS)
def test_what_is_wrong_is_told_with_its_line_and_refused_at_load(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    config = write(tmp_path, text)
    (fault,) = exchange.examine(config).faults
    assert (fault.place.path, fault.place.line) == (config, line)
    assert message in fault.message
    assert fault.mend
    with pytest.raises(SettingInvalid, match=rf"{config}:{line}: \[currencies\] "):
        exchange.read(config)


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        ("", 1, "the columns of nothing"),
        ("from,to,rate\n", 1, "the columns from, to, rate"),
        (HEADER + "USD,EUR,2026-10-01,0.92,ECB\nUSD,EUR,2026-10-02,0.93\n", 3, "has 4 cells, not 5"),
        (HEADER + "\nUSD,EUR,2026-10-01,0;92,ECB\n", 3, "rate = '0;92' is no number"),
        (HEADER + "USD,EUX,2026-10-01,0.92,ECB\n", 2, "did you mean EUR?"),
        (HEADER + 'USD,EUR,2026-10-01,0.92,"EC"B\n', 2, "is no CSV"),
        (
            HEADER + "USD,EUR,2026-10-01,0.92,ECB\nUSD,EUR,2026-10-01,0.920,ECB\nUSD,EUR,2026-10-01,0.91,ECB\n",
            4,
            "they disagree",
        ),
    ],
)
def test_a_fault_in_the_csv_file_names_that_file_and_its_line(
    tmp_path: Path, rows: str, line: int, message: str
) -> None:
    (fault,) = exchange.examine(write(tmp_path, '[currencies]\nfile = "rates.csv"\n', rows)).faults
    assert (fault.place.path.name, fault.place.line) == ("rates.csv", line)
    assert message in fault.message


def test_two_files_that_disagree_are_both_named(tmp_path: Path) -> None:
    text = '[currencies]\nfile = "rates.csv"\n' + RATE
    (fault,) = exchange.examine(write(tmp_path, text, HEADER + "USD,EUR,2026-10-01,0.93,bank\n")).faults
    assert "rates.csv:2" in str(fault.place)
    assert "meter.toml:3: they disagree" in fault.message


def test_the_same_rate_twice_is_one(tmp_path: Path) -> None:
    text = '[currencies]\nfile = "rates.csv"\n' + RATE
    assert len(exchange.read(write(tmp_path, text, HEADER + "USD,EUR,2026-10-01,0.9200,ECB\n")).rates) == 1


def test_every_code_is_three_capitals_with_its_minor_digits() -> None:
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in iso4217.MINOR_DIGITS)
    assert [iso4217.MINOR_DIGITS[code] for code in ("EUR", "JPY", "KWD", "IDR")] == [2, 0, 3, 2]
    assert iso4217.code(" chf ") == "CHF"


def editions(book: Book) -> list[tuple[object, ...]]:
    return list(
        book.execute(
            "SELECT edition, from_currency, to_currency, rate FROM ledger.exchange_rates ORDER BY ALL"
        ).fetchall()
    )


def in_force(book: Book) -> list[tuple[object, ...]]:
    newest = "(SELECT max(edition) FROM ledger.currency_editions)"
    return list(book.execute(f"SELECT rate FROM ledger.exchange_rates WHERE edition = {newest}").fetchall())


def test_rows_are_only_added_and_the_newest_edition_holds(own_book: Book, tmp_path: Path) -> None:
    assert not currencies.refresh(own_book, tmp_path / "meter.toml")
    accounts = '[[currencies.accounts]]\nprovider = "openai"\nbilling = "EUR"\n'
    assert currencies.refresh(own_book, write(tmp_path, RATE + accounts))
    assert not currencies.refresh(own_book, write(tmp_path, "# a remark\n" + RATE + accounts))
    assert currencies.refresh(own_book, write(tmp_path, RATE.replace("0.92", "0.93")))
    assert [row[0] for row in editions(own_book)] == [1, 2]
    assert in_force(own_book) == [(Decimal("0.93"),)]
    assert own_book.execute("SELECT edition, provider, currency FROM ledger.billing_currencies").fetchall() == [
        (1, "openai", "EUR")
    ]


def test_rates_that_are_taken_out_of_the_file_hold_no_more(own_book: Book, tmp_path: Path) -> None:
    currencies.refresh(own_book, write(tmp_path, RATE))
    assert currencies.refresh(own_book, write(tmp_path, "[period]\n"))
    assert in_force(own_book) == []
    assert len(editions(own_book)) == 1


def test_a_file_that_is_refused_leaves_the_rates_before_in_force(own_book: Book, tmp_path: Path) -> None:
    currencies.refresh(own_book, write(tmp_path, RATE))
    with pytest.raises(SettingInvalid):
        currencies.refresh(own_book, write(tmp_path, RATE.replace("0.92", "-1")))
    assert in_force(own_book) == [(Decimal("0.92"),)]


def test_rows_of_a_refresh_that_was_killed_count_for_nothing(own_book: Book, tmp_path: Path) -> None:
    currencies.refresh(own_book, write(tmp_path, RATE))
    own_book.execute("INSERT INTO ledger.exchange_rates VALUES (2, 'USD', 'EUR', DATE '2026-10-01', 9, 'half', now())")
    assert in_force(own_book) == [(Decimal("0.92"),)]
    currencies.refresh(own_book, write(tmp_path, RATE.replace("0.92", "0.93")))
    assert in_force(own_book) == [(Decimal("0.93"),)]

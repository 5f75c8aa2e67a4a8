"""A meter.toml with many contracts, for the bench: some of them take the calls of `traffic.py`, most take others."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

from tests.bench.traffic import MODELS, PROCESSES, Service

RULES = 200


def write(home: Path, seed: int = 7) -> None:
    """Write the file into a home. `seed` is the traffic's, whose accounts the contracts are for."""
    home.mkdir(parents=True, exist_ok=True)
    tables = "\n".join(islice(contracts(seed), RULES))
    (home / "meter.toml").write_text(tables, "utf-8")


def contracts(seed: int) -> Iterator[str]:
    """Yield a contract for each account and model there is, then for accounts that make no calls."""
    dice = random.Random(seed)
    accounts = [Service(dice, number).account for number in range(PROCESSES)]
    more = [f"org-elsewhere-{number}" for number in range(RULES)]
    for number, (account, model) in enumerate(product([*accounts, *more], MODELS)):
        terms = (
            'prices = { input = "2.40", output = "9.60" }'
            if number % 5 == 0
            else f'multiplier = "0.{70 + number % 30}"'
        )
        dates = "" if number % 3 else "from = 2026-01-01\n"
        yield f'[contracts.c{number}]\naccount = "{account}"\nmodel = "{model.request}*"\n{dates}{terms}\n'

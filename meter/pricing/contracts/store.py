"""The file's word on prices into the ledger, and the newest sound one out of it. Rows are added, never overwritten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter import settings
from meter.errors import SettingInvalid
from meter.pricing.contracts.reading import Fault, Terms, plain, read, tied
from meter.pricing.contracts.rules import Contract
from meter.toml import line_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SECTIONS = ("contracts", "aliases")
_NOTHING = "{}"

_NEWEST = "SELECT digest, content FROM ledger.configurations ORDER BY edition DESC LIMIT 1"
_RECORD = """
INSERT INTO ledger.configurations
SELECT coalesce(max(edition), 0) + 1, $digest, $content, $path, now() FROM ledger.configurations
"""
_KNOWN = "SELECT name, digest, contract_rule_id FROM ledger.contract_rules WHERE superseded_at IS NULL"
_DEPENDS = """
SELECT
    coalesce(bool_or(account IS NOT NULL), false),
    coalesce(bool_or(deployment IS NOT NULL), false) OR coalesce((
        SELECT json_exists(content, '$.aliases') FROM ledger.configurations ORDER BY edition DESC LIMIT 1
    ), false)
FROM ledger.contract_rules
WHERE superseded_at IS NULL
"""
_CHANGED_MONTHS = """
SELECT count(*) > 0
FROM ledger.contract_rules
WHERE superseded_at = (SELECT max(recorded_at) FROM ledger.configurations)
    AND (volume_by IS NOT NULL OR commitment IS NOT NULL OR fee IS NOT NULL)
"""
_SUPERSEDE = """
UPDATE ledger.contract_rules SET superseded_at = now()
WHERE contract_rule_id IN (SELECT unnest($ids::INTEGER[]))
"""
_ADD = """
INSERT INTO ledger.contract_rules BY NAME
SELECT
    * REPLACE (row_number() OVER () + (SELECT coalesce(max(contract_rule_id), 0) FROM ledger.contract_rules) AS contract_rule_id),
    now() AS recorded_at
FROM (SELECT unnest(from_json($rows, '[{
    "contract_rule_id": "INTEGER", "name": "VARCHAR", "digest": "VARCHAR", "provider": "VARCHAR", "account": "VARCHAR",
    "server": "VARCHAR", "deployment": "VARCHAR", "model": "VARCHAR", "tier": "VARCHAR", "region": "VARCHAR",
    "usage_classes": ["VARCHAR"], "valid_from": "TIMESTAMPTZ", "valid_to": "TIMESTAMPTZ", "currency": "VARCHAR",
    "multiplier": "DECIMAL(18, 12)", "prices": "MAP(VARCHAR, DECIMAL(38, 24))", "volume_by": "VARCHAR",
    "volume_method": "VARCHAR", "volume_period": "VARCHAR",
    "volume_tiers": [{"over": "DECIMAL(26, 12)", "multiplier": "DECIMAL(18, 12)"}], "commitment": "DECIMAL(26, 12)",
    "commitment_price": "DECIMAL(26, 12)", "fee": "DECIMAL(26, 12)", "fee_per": "VARCHAR",
    "fee_quantity": "DECIMAL(18, 6)", "fee_spread": "BOOLEAN", "definition": "VARCHAR"}]'), recursive := true))
"""


def refresh(con: DuckDBPyConnection, path: Path) -> bool:
    """Take the file's contracts and aliases into the ledger if they changed; tell whether they did.

    Raises SettingInvalid with file, line and the mend for a file that cannot be read as a whole: the ledger keeps what it had.
    """
    content, text = _said(path)
    if _digest(text) == _newest_digest(con):
        return False
    terms, faults = read(content)
    for fault in faults or tied(terms):
        raise refusal(path, fault)
    con.execute("BEGIN")
    con.execute(_RECORD, {"digest": _digest(text), "content": text, "path": path.name})
    _take(con, terms.contracts)
    con.execute("DELETE FROM ledger.model_matches")  # what was asked of the old ones is asked again
    con.execute("COMMIT")
    return True


def is_current(con: DuckDBPyConnection, path: Path) -> bool:
    """Tell whether the ledger has what the file says; of a file that cannot be read there is nothing to take in."""
    try:
        return _digest(_said(path)[1]) == _newest_digest(con)
    except SettingInvalid:
        return True


def in_force(con: DuckDBPyConnection) -> Terms:
    """Return the newest sound terms, each contract with its id in the ledger."""
    newest = con.execute(_NEWEST).fetchall()
    if not newest:
        return Terms()
    terms, _ = read(json.loads(newest[0][1]))
    ids = {(name, digest): rule_id for name, digest, rule_id in con.execute(_KNOWN).fetchall()}
    contracts = (replace(contract, rule_id=ids[contract.name, contract.digest]) for contract in terms.contracts)
    return Terms(tuple(contracts), terms.aliases)


def changed_months(con: DuckDBPyConnection) -> bool:
    """Tell whether the newest terms change or drop a volume tier, a commitment or a fee: all months go by what is in force."""
    ((changed,),) = con.execute(_CHANGED_MONTHS).fetchall()
    return bool(changed)


def depends_on(con: DuckDBPyConnection) -> tuple[bool, bool]:
    """Tell whether any price depends on the account, and on the deployment."""
    ((by_account, by_deployment),) = con.execute(_DEPENDS).fetchall()
    return by_account, by_deployment


def refusal(path: Path, fault: Fault) -> SettingInvalid:
    """Return a fault as an error that names file and line."""
    line = line_of(path.read_text("utf-8"), *fault.place)
    return SettingInvalid(f"{path}:{line or 1}: [{fault.place[0]}] {fault.message}", hint=fault.mend)


def _said(path: Path) -> tuple[dict[str, Any], str]:
    """Return what the file says of contracts and aliases, and that as text."""
    found = settings.load_toml(path) if path.exists() else {}
    content = {name: value for name in SECTIONS if (value := found.get(name))}
    return content, json.dumps(content, sort_keys=True, default=plain)


def _digest(text: str) -> str:
    """Return what tells one wording from another. Several volume tiers are taken in anew: once, each of them counted a call."""
    rule = "the most specific counts" if text.count('"volume":') > 1 else ""
    return hashlib.sha256((text + rule).encode()).hexdigest()[:32]


def _newest_digest(con: DuckDBPyConnection) -> str:
    known = con.execute(_NEWEST).fetchall()
    return str(known[0][0]) if known else _digest(_NOTHING)


def _take(con: DuckDBPyConnection, contracts: Iterable[Contract]) -> None:
    known = {(name, digest): rule_id for name, digest, rule_id in con.execute(_KNOWN).fetchall()}
    wanted = {(contract.name, contract.digest): contract for contract in contracts}
    con.execute(_SUPERSEDE, {"ids": [rule_id for key, rule_id in known.items() if key not in wanted]})
    rows = [_row(contract) for key, contract in wanted.items() if key not in known]
    if rows:
        con.execute(_ADD, {"rows": json.dumps(rows, default=plain)})


def _row(contract: Contract) -> Mapping[str, Any]:
    volume, commitment, fee = contract.volume, contract.commitment, contract.fee
    named = ("name", "digest", "provider", "account", "server", "deployment", "model", "tier", "region", "currency")
    return {
        **{name: getattr(contract, name) for name in (*named, "multiplier", "definition")},
        "usage_classes": None if contract.usage is None else sorted(contract.usage),
        "valid_from": contract.valid_from and contract.valid_from.isoformat(),
        "valid_to": contract.valid_to and contract.valid_to.isoformat(),
        "prices": {name: f"{price:f}" for name, price in contract.prices.items()} or None,
        "volume_by": volume and volume.by,
        "volume_method": volume and volume.method,
        "volume_period": volume and volume.period,
        "volume_tiers": volume and [vars(tier) for tier in volume.tiers],
        "commitment": commitment and commitment.amount,
        "commitment_price": commitment and commitment.price,
        "fee": fee and fee.amount,
        "fee_per": fee and fee.per,
        "fee_quantity": fee and fee.quantity,
        "fee_spread": fee is not None and fee.spread,
    }

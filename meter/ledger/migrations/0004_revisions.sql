-- What repricing needs to know, and what it leaves behind.

-- What a call said of its usage, where an estimate took its place; a repricing estimates from there again.
ALTER TABLE ledger.calls ADD COLUMN reported_source VARCHAR; -- missing or partial

-- A public price may be in another currency than a contract's.
ALTER TABLE ledger.revised ADD COLUMN old_list_currency VARCHAR;
ALTER TABLE ledger.revised ADD COLUMN new_list_currency VARCHAR;

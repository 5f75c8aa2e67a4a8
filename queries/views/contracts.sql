-- title: Contracts
-- about: What meter.toml said of negotiated prices, and when it was known: which calls, from when, and what changes for them.
-- NULL in superseded_at means that it is in force; else it tells since when the file says something else.
SELECT
    contract_rule_id,
    name,
    provider,
    account,
    server AS server_address,
    deployment,
    model,
    tier AS service_tier,
    region,
    usage_classes,
    valid_from,
    valid_to,
    multiplier,
    prices AS unit_prices,
    currency,
    volume_by,
    volume_method,
    volume_period,
    volume_tiers,
    commitment,
    commitment_price,
    fee,
    fee_per,
    fee_quantity,
    fee_spread,
    recorded_at,
    superseded_at
FROM ledger.contract_rules

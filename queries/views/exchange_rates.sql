-- title: Exchange rates
-- about: What one unit of a currency is worth in another, from a day until the next rate of that pair, and who says so; from meter.toml.
SELECT
    from_currency,
    to_currency,
    valid_from,
    lead(valid_from) OVER (PARTITION BY from_currency, to_currency ORDER BY valid_from) AS valid_to,
    rate,
    source,
    recorded_at
FROM ledger.exchange_rates
WHERE edition = (SELECT max(edition) FROM ledger.currency_editions)
ORDER BY from_currency, to_currency, valid_from

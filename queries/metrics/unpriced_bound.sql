-- name: meter.unpriced.bound
-- unit: {currency}
-- kind: gauge
-- help: What the unpriced usage of the month to date would cost at most if priced like its nearest relatives.
-- attributes: gen_ai.provider.name, period, currency
-- value: value
-- param: now timestamptz = the moment that this month is taken from
-- needs: unpriced_between
SELECT
    provider AS "gen_ai.provider.name",
    'month_to_date' AS period,
    currency,
    sum(bound_high) AS value
FROM ledger.unpriced_between(
    date_trunc('month', $now AT TIME ZONE current_setting('TimeZone')) AT TIME ZONE current_setting('TimeZone'), $now
)
WHERE bound_high IS NOT NULL
GROUP BY ALL

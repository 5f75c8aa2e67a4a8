-- name: meter.spend.risk_adjusted
-- unit: {currency}
-- kind: gauge
-- help: Effective cost of the month to date × meter.provider.risk_multiplier: what it would be at the provider's break-even.
-- attributes: gen_ai.provider.name, currency, period, scenario
-- value: value
-- param: now timestamptz = the moment that this month is taken from
-- param: multipliers json = list of provider, scenario, multiplier: the claims in force
-- needs: calls
-- A provider without a claim has no series: said, not guessed.
WITH claims AS (
    SELECT unnest(from_json($multipliers, '[{"provider": "VARCHAR", "scenario": "VARCHAR", "multiplier": "DECIMAL(12,6)"}]')) AS claim
),

spend AS (
    SELECT provider, currency, CAST(sum(effective_cost) AS DECIMAL(26, 12)) AS effective_cost
    FROM calls
    WHERE
        effective_cost IS NOT NULL
        AND started_at < $now
        AND started_at >= date_trunc('month', $now AT TIME ZONE current_setting('TimeZone')) AT TIME ZONE current_setting('TimeZone')
    GROUP BY ALL
)

SELECT
    spend.provider AS "gen_ai.provider.name",
    spend.currency,
    'month_to_date' AS period,
    claim.scenario AS scenario,
    spend.effective_cost * claim.multiplier AS value
FROM spend
JOIN claims ON claim.provider = spend.provider

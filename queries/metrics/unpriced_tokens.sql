-- name: meter.unpriced.tokens
-- unit: {token}
-- kind: gauge
-- help: Tokens of the month to date that no price is known for. A gauge: it falls when their price becomes known.
-- attributes: gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model, period
-- value: value
-- param: now timestamptz = the moment that this month is taken from
-- needs: calls, charges
SELECT
    calls.provider AS "gen_ai.provider.name",
    calls.request_model AS "gen_ai.request.model",
    calls.response_model AS "gen_ai.response.model",
    'month_to_date' AS period,
    sum(charges.quantity) AS value
FROM charges
JOIN calls USING (call_id)
WHERE
    calls.price_status IN ('unpriced', 'partial') AND charges.effective_cost IS NULL AND charges.unit = 'token'
    AND calls.started_at < $now
    AND calls.started_at >= date_trunc('month', $now AT TIME ZONE current_setting('TimeZone')) AT TIME ZONE current_setting('TimeZone')
GROUP BY ALL

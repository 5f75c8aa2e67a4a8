-- name: meter.unpriced.calls
-- unit: {call}
-- kind: gauge
-- help: Calls of the month to date without a full price. A gauge: it falls when their price becomes known.
-- attributes: gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model, period
-- value: value
-- param: now timestamptz = the moment that this month is taken from
-- needs: calls
SELECT
    provider AS "gen_ai.provider.name",
    request_model AS "gen_ai.request.model",
    response_model AS "gen_ai.response.model",
    'month_to_date' AS period,
    count(*) AS value
FROM calls
WHERE
    price_status IN ('unpriced', 'partial')
    AND started_at < $now
    AND started_at >= date_trunc('month', $now AT TIME ZONE current_setting('TimeZone')) AT TIME ZONE current_setting('TimeZone')
GROUP BY ALL

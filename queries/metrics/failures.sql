-- name: meter.failures
-- unit: {failure}
-- kind: sum
-- help: Steps of metering that failed in services. A hook whose place an SDK has renamed is the step hook.<where it was>.
-- attributes: step, service
-- value: value
WITH counted AS (
    SELECT checkpoints.segment, unnest(map_entries(checkpoints.failures::MAP(VARCHAR, BIGINT))) AS counted
    FROM ledger.checkpoints AS checkpoints
    WHERE checkpoints.failures::VARCHAR <> '{}'
),

services AS (
    SELECT segment, any_value(service) AS service FROM ledger.processes WHERE segment IS NOT NULL GROUP BY segment
)

SELECT
    counted.counted.key AS step,
    services.service,
    sum(counted.counted.value)::BIGINT AS value
FROM counted
LEFT JOIN services USING (segment)
WHERE NOT starts_with(counted.counted.key, 'unmetered ')
GROUP BY ALL

-- title: Unmetered
-- about: Calls to known providers that no SDK made, by month: Meter saw them pass and recorded nothing. METER_WIRE=1 meters them.
WITH counted AS (
    SELECT
        checkpoints.segment,
        date_trunc(
            'month', coalesce(checkpoints.started_at, checkpoints.updated_at) AT TIME ZONE current_setting('TimeZone')
        )::DATE AS month,
        unnest(map_entries(checkpoints.failures::MAP(VARCHAR, BIGINT))) AS counted
    FROM ledger.checkpoints AS checkpoints
    WHERE contains(checkpoints.failures::VARCHAR, '"unmetered ')
),

services AS (
    SELECT segment, any_value(service) AS service FROM ledger.processes WHERE segment IS NOT NULL GROUP BY segment
)

SELECT
    counted.month,
    services.service,
    split_part(counted.counted.key, ' ', 2) AS provider,
    split_part(counted.counted.key, ' ', 3) AS server_address,
    sum(counted.counted.value)::BIGINT AS calls
FROM counted
LEFT JOIN services USING (segment)
WHERE starts_with(counted.counted.key, 'unmetered ')
GROUP BY ALL
ORDER BY counted.month, calls DESC

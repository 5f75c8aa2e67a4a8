-- title: Coverage
-- about: How much of each month is known: calls without a full price, estimated, untagged, lost, and made without an SDK.
-- needs: unmetered
WITH daily AS (
    SELECT
        day,
        price_status,
        sum(calls) AS calls,
        sum(estimated_calls) AS estimated_calls,
        sum(untagged_calls) AS untagged_calls
    FROM ledger.all_days
    GROUP BY day, price_status
),

counted AS (
    SELECT
        date_trunc('month', day)::DATE AS month,
        sum(calls)::BIGINT AS calls,
        coalesce(sum(calls) FILTER (price_status IN ('priced', 'free', 'reported')), 0)::BIGINT AS priced_calls,
        coalesce(sum(calls) FILTER (price_status IN ('unpriced', 'partial')), 0)::BIGINT AS unpriced_calls,
        coalesce(sum(calls) FILTER (price_status = 'no_usage'), 0)::BIGINT AS no_usage_calls,
        sum(estimated_calls)::BIGINT AS estimated_calls,
        sum(untagged_calls)::BIGINT AS untagged_calls
    FROM daily
    GROUP BY month
),

-- As of the last ingest; a segment lives for minutes, so its beginning tells the month.
missing AS (
    SELECT
        date_trunc('month', coalesce(started_at, updated_at) AT TIME ZONE current_setting('TimeZone'))::DATE AS month,
        sum(lost)::BIGINT AS lost_calls
    FROM ledger.checkpoints
    WHERE lost > 0
    GROUP BY month
),

passed AS (
    SELECT month, sum(calls)::BIGINT AS unmetered_calls FROM unmetered GROUP BY month
)

SELECT
    month,
    coalesce(calls, 0) AS calls,
    coalesce(unpriced_calls, 0) AS unpriced_calls,
    coalesce(no_usage_calls, 0) AS no_usage_calls,
    coalesce(estimated_calls, 0) AS estimated_calls,
    coalesce(untagged_calls, 0) AS untagged_calls,
    coalesce(lost_calls, 0) AS lost_calls,
    coalesce(unmetered_calls, 0) AS unmetered_calls,
    priced_calls / calls AS priced_share,
    estimated_calls / calls AS estimated_share,
    untagged_calls / calls AS untagged_share,
    coalesce(lost_calls, 0) / (coalesce(calls, 0) + coalesce(lost_calls, 0)) AS lost_share,
    coalesce(unmetered_calls, 0) / (coalesce(calls, 0) + coalesce(lost_calls, 0) + coalesce(unmetered_calls, 0)) AS unmetered_share
FROM counted
FULL JOIN missing USING (month)
FULL JOIN passed USING (month)
ORDER BY month

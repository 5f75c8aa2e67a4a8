-- title: Coverage
-- about: How much of each month is known: calls without a full price, estimated, untagged, and calls that could not be recorded.
-- needs: calls
-- By day first: a day is quickly told from a time, a month is not; and UTC needs no look at the rules of time zones. A call without
-- tags has no set of tags.
WITH daily AS (
    SELECT
        (
            CASE current_setting('TimeZone')
                WHEN 'UTC' THEN make_timestamp(epoch_us(started_at))
                ELSE started_at AT TIME ZONE current_setting('TimeZone')
            END
        )::DATE AS day,
        count(*) AS calls,
        count(*) FILTER (price_status IN ('priced', 'free', 'reported')) AS priced_calls,
        count(*) FILTER (price_status IN ('unpriced', 'partial')) AS unpriced_calls,
        count(*) FILTER (price_status = 'no_usage') AS no_usage_calls,
        count(*) FILTER (usage_source = 'estimated') AS estimated_calls,
        count(*) FILTER (tag_set_id IS NULL) AS untagged_calls
    FROM calls
    GROUP BY day
),

counted AS (
    SELECT
        date_trunc('month', day)::DATE AS month,
        sum(calls)::BIGINT AS calls,
        sum(priced_calls)::BIGINT AS priced_calls,
        sum(unpriced_calls)::BIGINT AS unpriced_calls,
        sum(no_usage_calls)::BIGINT AS no_usage_calls,
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
)

SELECT
    month,
    coalesce(calls, 0) AS calls,
    coalesce(unpriced_calls, 0) AS unpriced_calls,
    coalesce(no_usage_calls, 0) AS no_usage_calls,
    coalesce(estimated_calls, 0) AS estimated_calls,
    coalesce(untagged_calls, 0) AS untagged_calls,
    coalesce(lost_calls, 0) AS lost_calls,
    priced_calls / calls AS priced_share,
    estimated_calls / calls AS estimated_share,
    untagged_calls / calls AS untagged_share,
    coalesce(lost_calls, 0) / (coalesce(calls, 0) + coalesce(lost_calls, 0)) AS lost_share
FROM counted
FULL JOIN missing USING (month)
ORDER BY month

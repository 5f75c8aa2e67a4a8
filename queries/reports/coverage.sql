-- title: How much is known
-- about: Of one period's calls, how many are priced, estimated, untagged or failed; one row.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- needs: calls
SELECT
    count(*) AS calls,
    count(*) FILTER (price_status IN ('priced', 'free', 'reported')) AS priced_calls,
    count(*) FILTER (price_status = 'partial') AS partial_calls,
    count(*) FILTER (price_status = 'unpriced') AS unpriced_calls,
    count(*) FILTER (price_status = 'no_usage') AS no_usage_calls,
    count(*) FILTER (usage_source = 'estimated') AS estimated_calls,
    count(*) FILTER (usage_source = 'partial') AS partly_reported_calls,
    count(*) FILTER (tag_set_id IS NULL) AS untagged_calls,
    count(*) FILTER (status = 'error') AS failed_calls,
    count(*) FILTER (status = 'aborted') AS aborted_calls
FROM calls
WHERE started_at >= $from AND started_at < $to

-- What was cached of sound, images and video stands in `other_usage`, and is cached all the same.
CREATE MACRO ledger.other_cached(other_usage, pattern) AS
CASE
    WHEN contains(other_usage, '"cache_') THEN list_sum(list_transform(
        list_filter(map_entries(other_usage::JSON::MAP(VARCHAR, DECIMAL(24, 6))), lambda e: e.key GLOB pattern), lambda e: e.value
    ))::BIGINT
END;
CREATE MACRO ledger.with_other(counted, other) AS coalesce(counted + other, counted, other);

CREATE OR REPLACE MACRO ledger.call_days(relation) AS TABLE
SELECT
    id,
    started_at,
    ledger.local_day(started_at) AS day,
    service,
    provider,
    request_model,
    response_model,
    currency,
    list_currency,
    price_status,
    1::BIGINT AS calls,
    (usage_source IS NOT DISTINCT FROM 'estimated')::BIGINT AS estimated_calls,
    (tag_set_id IS NULL)::BIGINT AS untagged_calls,
    ledger.input_tokens(input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, other_input) AS input_tokens,
    ledger.output_tokens(output, reasoning, output_audio, other_output) AS output_tokens,
    ledger.with_other(cache_read, ledger.other_cached(other_usage, 'cache_read*')) AS cache_read_tokens,
    list_cost,
    coalesce(contracted_cost_if_other, list_cost) AS contracted_cost,
    coalesce(effective_cost_if_other, contracted_cost_if_other, list_cost) AS effective_cost
FROM query_table(relation);

-- The sums by day are made anew at the next opening. Until then whoever asks is told so, and gets no figure of before.
DELETE FROM ledger.days;
DELETE FROM ledger.days_kept;
CREATE OR REPLACE VIEW ledger.all_days AS
SELECT days.*
FROM (SELECT 1 AS one) AS always
LEFT JOIN ledger.days AS days ON always.one = 1
WHERE error('calls are to be summed up by day first; whoever may write the ledger does that by: meter ingest') IS NULL;

-- title: Spend by any dimension
-- about: Calls, tokens and cost by columns of calls or by tags, largest first; a name that is no column is a tag.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- param: by text[] = what to group by, as in --param by=team,model: provider, model, service, day, …, or the key of a tag
-- param: report_currency currency? = convert to this one, such as EUR, at the rate of each call's day
-- needs: calls_in, spend_between
-- What days are summed up by is taken from there, everything else from the calls: one of the two is never read, and what is not
-- asked for is NULL, both of which DuckDB knows beforehand. Times and tags are written out once for each group, not for each call.
WITH measured AS (
    SELECT *, day::TIMESTAMP AS local_time
    FROM spend_between($report_currency, $from, $to)
    WHERE list_has_all(['provider', 'model', 'request_model', 'response_model', 'service', 'price_status', 'day', 'month'], $by)
    UNION ALL BY NAME
    SELECT *, 1::BIGINT AS calls, ledger.local_time(started_at) AS local_time
    FROM calls_in($report_currency)
    WHERE
        started_at >= $from AND started_at < $to
        AND NOT list_has_all(['provider', 'model', 'request_model', 'response_model', 'service', 'price_status', 'day', 'month'], $by)
),

spent AS (
    SELECT
        CASE WHEN list_contains($by, 'provider') THEN provider END AS provider,
        CASE WHEN list_contains($by, 'model') THEN coalesce(response_model, request_model) END AS model,
        CASE WHEN list_contains($by, 'request_model') THEN request_model END AS request_model,
        CASE WHEN list_contains($by, 'response_model') THEN response_model END AS response_model,
        CASE WHEN list_contains($by, 'priced_model') THEN priced_model END AS priced_model,
        CASE WHEN list_contains($by, 'model_developer') THEN model_developer END AS model_developer,
        CASE WHEN list_contains($by, 'service') THEN service END AS service,
        CASE WHEN list_contains($by, 'host') THEN host END AS host,
        CASE WHEN list_contains($by, 'operation') THEN operation END AS operation,
        CASE WHEN list_contains($by, 'api') THEN api END AS api,
        CASE WHEN list_contains($by, 'account') THEN account END AS account,
        CASE WHEN list_contains($by, 'project') THEN project END AS project,
        CASE WHEN list_has_any($by, ['key', 'key_id']) THEN key_id END AS key_id,
        CASE WHEN list_contains($by, 'region') THEN region END AS region,
        CASE WHEN list_contains($by, 'deployment') THEN deployment END AS deployment,
        CASE WHEN list_has_any($by, ['tier', 'service_tier']) THEN service_tier END AS service_tier,
        CASE WHEN list_contains($by, 'server_address') THEN server_address END AS server_address,
        CASE WHEN list_contains($by, 'stream') THEN stream END AS stream,
        CASE WHEN list_contains($by, 'status') THEN status END AS status,
        CASE WHEN list_contains($by, 'error_type') THEN error_type END AS error_type,
        CASE WHEN list_contains($by, 'price_status') THEN price_status END AS price_status,
        CASE WHEN list_contains($by, 'usage_source') THEN usage_source END AS usage_source,
        CASE
            WHEN list_has_any($by, ['hour', 'day', 'month'])
                THEN date_trunc(CASE WHEN list_contains($by, 'hour') THEN 'hour' ELSE 'day' END, local_time)
        END AS local_time,
        CASE
            WHEN NOT list_has_all([
                'provider', 'model', 'request_model', 'response_model', 'priced_model', 'model_developer', 'service', 'host', 'operation',
                'api', 'account', 'project', 'key', 'key_id', 'region', 'deployment', 'tier', 'service_tier',
                'server_address', 'stream', 'status', 'error_type', 'price_status', 'usage_source', 'hour', 'day', 'month'
            ], $by) THEN tag_set_id
        END AS tag_set_id,
        currency,
        sum(calls) AS calls,
        sum(input_tokens) AS input_tokens,
        sum(output_tokens) AS output_tokens,
        sum(effective_cost) AS effective_cost,
        coalesce(sum(calls) FILTER (price_status IN ('unpriced', 'partial', 'unconverted')), 0) AS unpriced_calls
    FROM measured
    GROUP BY ALL
),

keyed AS (
    SELECT
        list_transform($by, lambda name: CASE name
            WHEN 'provider' THEN provider
            WHEN 'model' THEN model
            WHEN 'request_model' THEN request_model
            WHEN 'response_model' THEN response_model
            WHEN 'priced_model' THEN priced_model
            WHEN 'model_developer' THEN model_developer
            WHEN 'service' THEN service
            WHEN 'host' THEN host
            WHEN 'operation' THEN operation
            WHEN 'api' THEN api
            WHEN 'account' THEN account
            WHEN 'project' THEN project
            WHEN 'key' THEN key_id
            WHEN 'key_id' THEN key_id
            WHEN 'region' THEN region
            WHEN 'deployment' THEN deployment
            WHEN 'tier' THEN service_tier
            WHEN 'service_tier' THEN service_tier
            WHEN 'server_address' THEN server_address
            WHEN 'stream' THEN stream::VARCHAR
            WHEN 'status' THEN status
            WHEN 'error_type' THEN error_type
            WHEN 'price_status' THEN price_status
            WHEN 'usage_source' THEN usage_source
            WHEN 'hour' THEN strftime(local_time, '%Y-%m-%d %H:00')
            WHEN 'day' THEN strftime(local_time, '%Y-%m-%d')
            WHEN 'month' THEN strftime(local_time, '%Y-%m')
            ELSE coalesce(nullif(tag_sets.tags[name], ''), '(untagged)')
        END) AS keys,
        spent.*
    FROM spent
    LEFT JOIN ledger.tag_sets AS tag_sets ON tag_sets.tag_set_id = spent.tag_set_id
)

SELECT
    keys,
    currency,
    sum(calls)::BIGINT AS calls,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(effective_cost) AS effective_cost,
    sum(unpriced_calls)::BIGINT AS unpriced_calls
FROM keyed
GROUP BY keys, currency
ORDER BY effective_cost DESC NULLS LAST, calls DESC, keys

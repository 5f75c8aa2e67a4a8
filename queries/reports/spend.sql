-- title: Spend by any dimension
-- about: Calls, tokens and cost by columns of calls or by tags, largest first; a name that is no column is a tag.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- param: by text[] = what to group by, as in --param by=team,model: provider, model, service, day, …, or the key of a tag
-- param: report_currency currency? = convert to this one, such as EUR, at the rate of each call's day
-- needs: calls_in
WITH keyed AS (
    SELECT
        list_transform($by, lambda name: CASE name
            WHEN 'provider' THEN provider
            WHEN 'model' THEN coalesce(response_model, request_model)
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
            WHEN 'hour' THEN strftime(started_at AT TIME ZONE current_setting('TimeZone'), '%Y-%m-%d %H:00')
            WHEN 'day' THEN strftime(started_at AT TIME ZONE current_setting('TimeZone'), '%Y-%m-%d')
            WHEN 'month' THEN strftime(started_at AT TIME ZONE current_setting('TimeZone'), '%Y-%m')
            ELSE coalesce(nullif(tags[name], ''), '(untagged)')
        END) AS keys,
        currency,
        input_tokens,
        output_tokens,
        effective_cost,
        price_status
    FROM calls_in($report_currency)
    WHERE started_at >= $from AND started_at < $to
)

SELECT
    keys,
    currency,
    count(*) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(effective_cost) AS effective_cost,
    count(*) FILTER (price_status IN ('unpriced', 'partial', 'unconverted')) AS unpriced_calls
FROM keyed
GROUP BY keys, currency
ORDER BY effective_cost DESC NULLS LAST, calls DESC, keys

-- title: Calls
-- about: One row per measured call. input_tokens includes cached tokens and output_tokens reasoning, as in OpenTelemetry; NULL is unknown.
SELECT
    calls.id AS call_id,
    calls.started_at,
    calls.duration_us / 1000000 AS duration_s,
    calls.first_token_us / 1000000 AS time_to_first_token_s,
    calls.service,
    calls.host,
    calls.pid,
    calls.provider,
    calls.account,
    calls.project,
    calls.key_id,
    calls.region,
    calls.deployment,
    calls.server_address,
    calls.operation,
    calls.api,
    calls.request_model,
    calls.response_model,
    calls.priced_model,
    calls.model_developer,
    calls.service_tier,
    calls.stream,
    calls.status,
    calls.error_type,
    calls.attempts,
    calls.usage_source,
    ledger.input_tokens(input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, other_input) AS input_tokens,
    ledger.output_tokens(output, reasoning, output_audio, other_output) AS output_tokens,
    CASE
        WHEN coalesce(input_tokens, output_tokens) IS NOT NULL THEN coalesce(input_tokens, 0) + coalesce(output_tokens, 0)
    END AS total_tokens,
    ledger.with_other(calls.cache_read, ledger.other_cached(calls.other_usage, 'cache_read*')) AS cache_read_tokens,
    ledger.with_other(
        CASE
            WHEN coalesce(cache_write, cache_write_5m, cache_write_1h) IS NOT NULL
                THEN coalesce(cache_write, 0) + coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0)
        END,
        ledger.other_cached(calls.other_usage, 'cache_write*')
    ) AS cache_write_tokens,
    calls.cache_write_5m AS cache_write_5m_tokens,
    calls.cache_write_1h AS cache_write_1h_tokens,
    calls.reasoning AS reasoning_tokens,
    ledger.with_other(calls.input_audio, ledger.other_cached(calls.other_usage, 'cache_*_audio')) AS input_audio_tokens,
    calls.output_audio AS output_audio_tokens,
    calls.other_usage::JSON::MAP(VARCHAR, DECIMAL(24, 6)) AS other_usage,
    calls.estimate_low,
    calls.estimate_high,
    calls.list_cost,
    calls.list_currency,
    coalesce(calls.contracted_cost_if_other, calls.list_cost) AS contracted_cost,
    coalesce(calls.effective_cost_if_other, calls.contracted_cost_if_other, calls.list_cost) AS effective_cost,
    calls.currency,
    calls.price_status,
    calls.rate_card_id,
    calls.contract_rule_id,
    calls.parent_id,
    calls.context::JSON::MAP(VARCHAR, VARCHAR) AS context,
    tag_sets.tags,
    replace(calls.trace_id::VARCHAR, '-', '') AS trace_id,
    lpad(lower(to_hex(calls.span_id)), 16, '0') AS span_id,
    calls.response_id,
    calls.tag_set_id
FROM ledger.all_calls AS calls
LEFT JOIN (
    -- grouped only to say that an id has one row: a statement that asks for no tags then goes without the join
    SELECT tag_set_id, any_value(tags) AS tags FROM ledger.tag_sets GROUP BY tag_set_id
) AS tag_sets ON tag_sets.tag_set_id = calls.tag_set_id

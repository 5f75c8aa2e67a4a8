-- title: Spend by model
-- about: What each model cost in one period, largest first, with its tokens.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- needs: calls
SELECT
    provider,
    coalesce(response_model, request_model) AS model,
    currency,
    count(*) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(output_tokens) AS output_tokens,
    sum(effective_cost) AS effective_cost,
    count(*) FILTER (price_status IN ('unpriced', 'partial')) AS unpriced_calls
FROM calls
WHERE started_at >= $from AND started_at < $to
GROUP BY ALL
ORDER BY effective_cost DESC NULLS LAST, calls DESC, provider, model

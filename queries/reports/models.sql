-- title: Spend by model
-- about: What each model cost in one period, largest first, with its tokens.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- param: report_currency currency? = convert to this one, such as EUR, at the rate of each call's day
-- needs: spend_between
SELECT
    provider,
    coalesce(response_model, request_model) AS model,
    currency,
    sum(calls)::BIGINT AS calls,
    sum(input_tokens) AS input_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(output_tokens) AS output_tokens,
    sum(effective_cost) AS effective_cost,
    coalesce(sum(calls) FILTER (price_status IN ('unpriced', 'partial', 'unconverted')), 0)::BIGINT AS unpriced_calls
FROM spend_between($report_currency, $from, $to)
GROUP BY ALL
ORDER BY effective_cost DESC NULLS LAST, calls DESC, provider, model

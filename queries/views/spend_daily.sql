-- title: Spend by day
-- about: Calls, tokens and cost by day (in the ledger's time zone), service, provider and model, a row per currency.
SELECT
    day,
    service,
    provider,
    coalesce(response_model, request_model) AS model,
    currency,
    sum(calls)::BIGINT AS calls,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(list_cost) AS list_cost,
    sum(contracted_cost) AS contracted_cost,
    sum(effective_cost) AS effective_cost,
    coalesce(sum(calls) FILTER (price_status IN ('unpriced', 'partial')), 0)::BIGINT AS unpriced_calls
FROM ledger.all_days
GROUP BY ALL

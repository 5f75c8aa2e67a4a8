-- title: Spend by day
-- about: Calls, tokens and cost by day (in the ledger's time zone), service, provider and model, a row per currency.
-- needs: calls
-- UTC needs no look at the rules of time zones, which for 100 million calls takes seconds.
SELECT
    (
        CASE current_setting('TimeZone')
            WHEN 'UTC' THEN make_timestamp(epoch_us(started_at))
            ELSE started_at AT TIME ZONE current_setting('TimeZone')
        END
    )::DATE AS day,
    service,
    provider,
    coalesce(response_model, request_model) AS model,
    currency,
    count(*) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(list_cost) AS list_cost,
    sum(contracted_cost) AS contracted_cost,
    sum(effective_cost) AS effective_cost,
    count(*) FILTER (price_status IN ('unpriced', 'partial')) AS unpriced_calls
FROM calls
GROUP BY ALL

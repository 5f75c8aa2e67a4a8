-- title: What caching saved
-- about: Cached tokens at their list price, and at the price of fresh input; writing to a cache costs more, so savings can be negative.
-- needs: calls, charges
WITH cached AS (
    SELECT
        calls.provider,
        coalesce(calls.response_model, calls.request_model) AS model,
        charges.list_currency,
        charges.usage_class,
        charges.quantity,
        charges.list_cost,
        ledger.charge(charges.quantity, rates.unit_price, NULL::DECIMAL(27, 24)) AS cost_uncached
    FROM charges
    JOIN calls ON calls.call_id = charges.call_id
    JOIN ledger.rates AS rates ON rates.rate_card_id = charges.rate_card_id AND rates.usage_class = 'input'
    WHERE charges.usage_class IN ('cache_read', 'cache_write', 'cache_write_5m', 'cache_write_1h') AND charges.list_cost IS NOT NULL
)

SELECT
    provider,
    model,
    list_currency,
    sum(quantity) FILTER (usage_class = 'cache_read') AS cache_read_tokens,
    sum(quantity) FILTER (usage_class <> 'cache_read') AS cache_write_tokens,
    sum(list_cost) AS list_cost,
    sum(cost_uncached) AS list_cost_uncached,
    sum(cost_uncached) - sum(list_cost) AS saved
FROM cached
GROUP BY provider, model, list_currency
ORDER BY saved DESC NULLS LAST

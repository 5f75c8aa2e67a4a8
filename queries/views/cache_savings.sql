-- title: What caching saved
-- about: Cached tokens at their list price, and at the price of fresh input; writing to a cache costs more, so savings can be negative.
WITH usage AS (
    SELECT *, ledger.uncached_class(usage_class) AS uncached
    FROM ledger.card_usage('-infinity'::TIMESTAMPTZ, 'infinity'::TIMESTAMPTZ)
),

cached AS (
    SELECT
        usage.provider,
        usage.model,
        usage.list_currency,
        usage.usage_class,
        usage.quantity,
        ledger.amount(quantity, cards.unit_prices[usage_class], cards.fine_prices[usage_class]) AS list_cost,
        ledger.amount(quantity, cards.unit_prices[uncached], cards.fine_prices[uncached]) AS cost_uncached
    FROM usage
    JOIN ledger.rate_cards AS cards ON cards.rate_card_id = usage.rate_card_id
    WHERE uncached IS NOT NULL AND cards.unit_prices[usage_class] IS NOT NULL AND cards.unit_prices[uncached] IS NOT NULL
)

SELECT
    provider,
    model,
    list_currency,
    sum(quantity) FILTER (starts_with(usage_class, 'cache_read')) AS cache_read_tokens,
    sum(quantity) FILTER (NOT starts_with(usage_class, 'cache_read')) AS cache_write_tokens,
    sum(list_cost) AS list_cost,
    sum(cost_uncached) AS list_cost_uncached,
    sum(cost_uncached) - sum(list_cost) AS saved
FROM cached
GROUP BY provider, model, list_currency
ORDER BY saved DESC NULLS LAST

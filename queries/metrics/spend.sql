-- name: meter.spend
-- unit: {currency}
-- kind: sum
-- help: Effective cost of all calls, as first priced. Spend without a price is not in it: see meter.unpriced.tokens.
-- attributes: gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model, currency, tags
-- value: value
-- param: tags text[] = keys of the tags that become attributes
-- needs: calls
SELECT
    provider AS "gen_ai.provider.name",
    request_model AS "gen_ai.request.model",
    response_model AS "gen_ai.response.model",
    currency,
    map_from_entries(list_filter(coalesce(map_entries(tags), []), lambda tag: tag.value <> '' AND list_contains($tags, tag.key))) AS tags,
    sum(effective_cost) AS value
FROM calls
WHERE effective_cost IS NOT NULL
GROUP BY ALL

-- name: meter.spend
-- unit: {currency}
-- kind: sum
-- help: Effective cost of all calls, as first priced. Spend without a price is not in it: see meter.unpriced.tokens.
-- attributes: gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model, currency, tags
-- value: value
-- param: tags text[] = keys of the tags that become attributes
-- needs: calls
-- What calls cost now, less what revisions added to that: a sum that a repricing leaves as it is, and that never falls. What was
-- first priced in another currency stands under that one. Tags are looked at once for each set of tags, not for each call.
WITH spent AS (
    SELECT provider, request_model, response_model, currency, tag_set_id, sum(effective_cost) AS amount
    FROM calls
    WHERE effective_cost IS NOT NULL
    GROUP BY ALL
    UNION ALL
    SELECT provider, request_model, response_model, old_currency, tag_set_id, old_effective_cost
    FROM ledger.revised
    WHERE old_effective_cost IS NOT NULL
    UNION ALL
    SELECT provider, request_model, response_model, new_currency, tag_set_id, -new_effective_cost
    FROM ledger.revised
    WHERE new_effective_cost IS NOT NULL
)

SELECT
    spent.provider AS "gen_ai.provider.name",
    spent.request_model AS "gen_ai.request.model",
    spent.response_model AS "gen_ai.response.model",
    spent.currency,
    map_from_entries(list_filter(coalesce(map_entries(tag_sets.tags), []), lambda tag: tag.value <> '' AND list_contains($tags, tag.key))) AS tags,
    sum(spent.amount) AS value
FROM spent
LEFT JOIN ledger.tag_sets AS tag_sets USING (tag_set_id)
GROUP BY ALL

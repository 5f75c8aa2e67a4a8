-- name: meter.spend.revision
-- unit: {currency}
-- kind: updown
-- help: What repricing added to the effective cost of calls, or took from it. With meter.spend it comes to what they cost now.
-- attributes: gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model, currency, tags
-- value: value
-- param: tags text[] = keys of the tags that become attributes
WITH amounts AS (
    SELECT
        * EXCLUDE (old_currency, old_effective_cost, new_currency, new_effective_cost),
        unnest([
            {'currency': old_currency, 'amount': -old_effective_cost}, {'currency': new_currency, 'amount': new_effective_cost}
        ], recursive := true)
    FROM ledger.revised
)

SELECT
    amounts.provider AS "gen_ai.provider.name",
    amounts.request_model AS "gen_ai.request.model",
    amounts.response_model AS "gen_ai.response.model",
    amounts.currency,
    map_from_entries(list_filter(coalesce(map_entries(tag_sets.tags), []), lambda tag: tag.value <> '' AND list_contains($tags, tag.key))) AS tags,
    sum(amounts.amount) AS value
FROM amounts
LEFT JOIN ledger.tag_sets AS tag_sets ON tag_sets.tag_set_id = amounts.tag_set_id
WHERE amounts.amount IS NOT NULL
GROUP BY ALL

-- name: meter.tokens
-- unit: {token}
-- kind: sum
-- help: Tokens by usage class. The classes are disjoint: their sum is the total.
-- attributes: gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model, usage_class, tags
-- value: value
-- param: tags text[] = keys of the tags that become attributes
-- needs: calls, charges
SELECT
    calls.provider AS "gen_ai.provider.name",
    calls.request_model AS "gen_ai.request.model",
    calls.response_model AS "gen_ai.response.model",
    charges.usage_class,
    map_from_entries(list_filter(coalesce(map_entries(calls.tags), []), lambda tag: tag.value <> '' AND list_contains($tags, tag.key))) AS tags,
    sum(charges.quantity) AS value
FROM charges
JOIN calls USING (call_id)
WHERE charges.unit = 'token'
GROUP BY ALL

-- name: meter.calls
-- unit: {call}
-- kind: sum
-- help: Calls by status; error.type is the exception's.
-- attributes: gen_ai.provider.name, gen_ai.operation.name, gen_ai.request.model, gen_ai.response.model, status, error.type, tags
-- value: value
-- param: tags text[] = keys of the tags that become attributes
-- needs: calls
-- Tags are looked at once for each set of tags, not for each call.
WITH counted AS (
    SELECT provider, operation, request_model, response_model, status, error_type, tag_set_id, count(*) AS calls
    FROM calls
    GROUP BY ALL
)

SELECT
    counted.provider AS "gen_ai.provider.name",
    counted.operation AS "gen_ai.operation.name",
    counted.request_model AS "gen_ai.request.model",
    counted.response_model AS "gen_ai.response.model",
    counted.status,
    counted.error_type AS "error.type",
    map_from_entries(list_filter(coalesce(map_entries(tag_sets.tags), []), lambda tag: tag.value <> '' AND list_contains($tags, tag.key))) AS tags,
    sum(counted.calls)::BIGINT AS value
FROM counted
LEFT JOIN ledger.tag_sets AS tag_sets USING (tag_set_id)
GROUP BY ALL

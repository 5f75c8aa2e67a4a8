-- name: meter.calls
-- unit: {call}
-- kind: sum
-- help: Calls by status; error.type is the exception's.
-- attributes: gen_ai.provider.name, gen_ai.operation.name, gen_ai.request.model, gen_ai.response.model, status, error.type, tags
-- value: value
-- param: tags text[] = keys of the tags that become attributes
-- needs: calls
SELECT
    provider AS "gen_ai.provider.name",
    operation AS "gen_ai.operation.name",
    request_model AS "gen_ai.request.model",
    response_model AS "gen_ai.response.model",
    status,
    error_type AS "error.type",
    map_from_entries(list_filter(coalesce(map_entries(tags), []), lambda tag: tag.value <> '' AND list_contains($tags, tag.key))) AS tags,
    count(*) AS value
FROM calls
GROUP BY ALL

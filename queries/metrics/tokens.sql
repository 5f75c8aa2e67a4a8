-- name: meter.tokens
-- unit: {token}
-- kind: sum
-- help: Tokens by usage class, as first read. The classes are disjoint: their sum is the total.
-- attributes: gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model, usage_class, tags
-- value: value
-- param: tags text[] = keys of the tags that become attributes
-- The usual classes have columns of their own, which are summed as they stand: a line for each call and class, as in the view
-- `charges`, takes fifty times as long. All others, which few calls have, are taken from their map. Tags are looked at last. What
-- usage objects that were read again added is taken off, so that the sum never falls: see meter.tokens.revision.
WITH usual AS (
    SELECT
        provider, request_model, response_model, tag_set_id,
        sum(input)::DECIMAL(38, 6) AS input,
        sum(cache_read)::DECIMAL(38, 6) AS cache_read,
        sum(cache_write)::DECIMAL(38, 6) AS cache_write,
        sum(cache_write_5m)::DECIMAL(38, 6) AS cache_write_5m,
        sum(cache_write_1h)::DECIMAL(38, 6) AS cache_write_1h,
        sum(input_audio)::DECIMAL(38, 6) AS input_audio,
        sum(output)::DECIMAL(38, 6) AS output,
        sum(reasoning)::DECIMAL(38, 6) AS reasoning,
        sum(output_audio)::DECIMAL(38, 6) AS output_audio
    FROM ledger.all_calls
    GROUP BY ALL
),

others AS (
    SELECT provider, request_model, response_model, tag_set_id, unnest(map_entries(other_usage::JSON::MAP(VARCHAR, DECIMAL(24, 6)))) AS line
    FROM ledger.all_calls
    WHERE other_usage IS NOT NULL
),

counted AS (
    UNPIVOT usual ON input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, output, reasoning, output_audio INTO NAME usage_class VALUE quantity
    UNION ALL
    SELECT provider, request_model, response_model, tag_set_id, line.key AS usage_class, sum(line.value) AS quantity
    FROM others
    GROUP BY ALL
    UNION ALL
    SELECT provider, request_model, response_model, tag_set_id, usage_class, old_quantity - new_quantity
    FROM ledger.reread
)

SELECT
    counted.provider AS "gen_ai.provider.name",
    counted.request_model AS "gen_ai.request.model",
    counted.response_model AS "gen_ai.response.model",
    counted.usage_class,
    map_from_entries(list_filter(coalesce(map_entries(tag_sets.tags), []), lambda tag: tag.value <> '' AND list_contains($tags, tag.key))) AS tags,
    sum(counted.quantity) AS value
FROM counted
LEFT JOIN ledger.tag_sets AS tag_sets USING (tag_set_id)
WHERE ledger.is_token(counted.usage_class)
GROUP BY ALL

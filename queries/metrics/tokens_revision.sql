-- name: meter.tokens.revision
-- unit: {token}
-- kind: updown
-- help: What usage objects that were read again added to tokens, or took from them. With meter.tokens it comes to what calls have now.
-- attributes: gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model, usage_class, tags
-- value: value
-- param: tags text[] = keys of the tags that become attributes
SELECT
    reread.provider AS "gen_ai.provider.name",
    reread.request_model AS "gen_ai.request.model",
    reread.response_model AS "gen_ai.response.model",
    reread.usage_class,
    map_from_entries(list_filter(coalesce(map_entries(tag_sets.tags), []), lambda tag: tag.value <> '' AND list_contains($tags, tag.key))) AS tags,
    sum(reread.new_quantity - reread.old_quantity) AS value
FROM ledger.reread AS reread
LEFT JOIN ledger.tag_sets AS tag_sets ON tag_sets.tag_set_id = reread.tag_set_id
WHERE ledger.is_token(reread.usage_class)
GROUP BY ALL

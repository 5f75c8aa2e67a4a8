-- The calls of a slice that keep the provider's usage object, each with what is stored of it.
SELECT
    calls.id, calls.provider, calls.api, calls.request_model, calls.response_model, calls.status,
    CASE calls.usage_source WHEN 'estimated' THEN calls.reported_source ELSE calls.usage_source END AS source,
    CASE WHEN stored.plain THEN map_concat({billed}) ELSE stored.usage END AS usage,
    stored.tier, stored.region, stored.context, stored.reported_cost, raw_usage.raw
FROM reprice_slice AS calls
JOIN reprice_stored AS stored ON stored.id = calls.id
JOIN ledger.raw_usage AS raw_usage ON raw_usage.id = calls.id
WHERE raw_usage.id BETWEEN (SELECT min(id) FROM reprice_slice) AND (SELECT max(id) FROM reprice_slice)

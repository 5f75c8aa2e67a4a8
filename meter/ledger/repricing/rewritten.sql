-- What is billed of each call that is read otherwise now, before and after. `priced` has what was estimated anew.
CREATE OR REPLACE TEMP TABLE reprice_rewritten AS
SELECT
    calls.row_number, changed.is_closed, calls.operation, calls.provider, calls.request_model, calls.response_model, calls.tag_set_id,
    map_concat({billed}) AS old_usage,
    map_concat(fresh.usage, coalesce(priced.estimated_usage, MAP {{}}::{map})) AS billed_usage,
    priced.estimated_usage,
    priced.usage_source,
    priced.reported_usage,
    CASE WHEN priced.usage_source = 'estimated' THEN fresh.source END AS reported_source,
    fresh.tier AS service_tier,
    fresh.region,
    to_json(fresh.context)::VARCHAR AS context,
    fresh.reported_cost,
    fresh.reported_currency
FROM reprice_slice AS calls
JOIN fresh ON fresh.id = calls.id
JOIN reprice_priced AS priced ON priced.id = calls.id
JOIN reprice_changed AS changed ON changed.row_number = calls.row_number;

INSERT INTO reprice_usage
SELECT is_closed, operation, provider, request_model, response_model, tag_set_id, line.key, sum(line.value * is_old), sum(line.value * is_new)
FROM (
    SELECT *, 1 AS is_old, 0 AS is_new, unnest(map_entries(old_usage)) AS line FROM reprice_rewritten
    UNION ALL
    SELECT *, 0, 1, unnest(map_entries(billed_usage)) FROM reprice_rewritten
)
GROUP BY ALL

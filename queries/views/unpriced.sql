-- title: What has no price
-- about: Models and usage classes that no price is known for; their cost is unknown, not zero.
-- needs: calls, charges
SELECT
    calls.provider,
    coalesce(calls.response_model, calls.request_model) AS model,
    calls.service_tier,
    calls.price_status,
    list_sort(list(DISTINCT charges.usage_class)) AS usage_classes,
    count(DISTINCT calls.call_id) AS calls,
    sum(charges.quantity) FILTER (charges.unit = 'token') AS tokens,
    min(calls.started_at) AS first_at,
    max(calls.started_at) AS last_at
FROM calls
JOIN charges ON charges.call_id = calls.call_id AND charges.effective_cost IS NULL
WHERE calls.price_status = 'unpriced' OR (calls.price_status = 'partial' AND charges.quantity > 0)
GROUP BY calls.provider, model, calls.service_tier, calls.price_status
ORDER BY tokens DESC NULLS LAST

-- title: Charges
-- about: One row per call and usage class: quantity, unit price and costs. A call's cost is exactly the sum of its charges.
-- needs: calls
-- A cost that only the provider stated belongs to no class: it is a line of its own, of class 'reported'.
SELECT
    call_id,
    started_at,
    usage_class,
    quantity,
    CASE
        WHEN usage_class IN ('audio_seconds', 'input_audio_seconds', 'output_audio_seconds') THEN 'second'
        WHEN usage_class = 'characters' THEN 'character'
        WHEN usage_class = 'pixels' THEN 'pixel'
        WHEN usage_class IN ('pages', 'annotated_pages') THEN 'page'
        WHEN usage_class = 'messages' THEN 'message'
        WHEN usage_class = 'images' THEN 'image'
        WHEN usage_class IN ('web_searches', 'social_searches', 'file_searches', 'rerank_searches') THEN 'search'
        WHEN usage_class = 'web_fetches' THEN 'fetch'
        WHEN usage_class = 'code_executions' THEN 'execution'
        WHEN usage_class = 'requests' THEN 'request'
        ELSE 'token'
    END AS unit,
    unit_price,
    contracted_unit_price,
    priced_as,
    list_cost,
    list_currency,
    contracted_cost,
    effective_cost,
    currency,
    rate_card_id,
    contract_rule_id
FROM ledger.usage_lines('ledger.billed_usage')
UNION ALL
SELECT
    call_id,
    started_at,
    'reported' AS usage_class,
    1 AS quantity,
    'call' AS unit,
    NULL AS unit_price,
    NULL AS contracted_unit_price,
    NULL AS priced_as,
    list_cost,
    list_currency,
    contracted_cost,
    effective_cost,
    currency,
    rate_card_id,
    contract_rule_id
FROM calls
WHERE price_status = 'reported'

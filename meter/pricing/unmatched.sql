-- The combinations of names and conditions that were never asked of the catalogue, once each.
SELECT DISTINCT
    provider, server, response_model, request_model, tier, requested_tier, region, price_context(context) AS price_context
FROM fresh
SEMI JOIN (SELECT id FROM priced WHERE match_id IS NULL) AS waiting ON waiting.id = fresh.id

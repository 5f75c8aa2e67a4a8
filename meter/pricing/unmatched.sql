-- The combinations of names and conditions that were never asked of the catalogue, once each.
SELECT provider, server, response_model, request_model, tier, requested_tier, region, price_context(context)
FROM fresh
EXCEPT
SELECT provider, server, response_model, request_model, tier, requested_tier, region, price_context
FROM ledger.model_matches

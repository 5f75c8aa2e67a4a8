-- The combinations of names and conditions that were never asked of the catalogue, once each.
SELECT *
FROM (
    SELECT DISTINCT
        provider, server, response_model, request_model, tier, requested_tier, region, price_context(context) AS price_context
    FROM fresh
) AS asked
ANTI JOIN ledger.model_matches AS matches
    ON matches.provider IS NOT DISTINCT FROM asked.provider
    AND matches.server IS NOT DISTINCT FROM asked.server
    AND matches.response_model IS NOT DISTINCT FROM asked.response_model
    AND matches.request_model IS NOT DISTINCT FROM asked.request_model
    AND matches.tier IS NOT DISTINCT FROM asked.tier
    AND matches.requested_tier IS NOT DISTINCT FROM asked.requested_tier
    AND matches.region IS NOT DISTINCT FROM asked.region
    AND matches.price_context IS NOT DISTINCT FROM asked.price_context

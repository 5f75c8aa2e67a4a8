-- The combinations of names and conditions that were never asked of the price book, once each.
SELECT
    provider, server, asked_account(account) AS account, asked_deployment(deployment) AS deployment, response_model, request_model,
    tier, requested_tier, region, price_context(context)
FROM fresh
EXCEPT
SELECT provider, server, account, deployment, response_model, request_model, tier, requested_tier, region, price_context
FROM ledger.model_matches

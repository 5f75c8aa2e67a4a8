-- name: gen_ai.client.inference.usage.cache_write.input_tokens
-- unit: {token}
-- kind: sum
-- help: Input tokens written to the provider's cache; a part of the input tokens.
-- attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.token.modality, gen_ai.request.model, gen_ai.response.model
-- value: value
-- needs: calls
-- OpenTelemetry's GenAI conventions, current generation: embeddings and fetch_response are not inference, and the modality is
-- unknown where the provider gives no split. Tokens are those of the first reading, so that the sum never falls.
SELECT
    operation AS "gen_ai.operation.name",
    provider AS "gen_ai.provider.name",
    'unknown' AS "gen_ai.token.modality",
    request_model AS "gen_ai.request.model",
    response_model AS "gen_ai.response.model",
    sum(cache_write_tokens) AS value
FROM (
    SELECT operation, provider, request_model, response_model, cache_write_tokens FROM calls
    UNION ALL BY NAME
    SELECT operation, provider, request_model, response_model, cache_write_tokens FROM ledger.until_reread
)
WHERE coalesce(operation, '') NOT IN ('embeddings', 'fetch_response') AND cache_write_tokens IS NOT NULL
GROUP BY ALL

-- name: gen_ai.client.inference.usage.input_tokens
-- unit: {token}
-- kind: sum
-- help: Input tokens of inference, cached ones included.
-- attributes: gen_ai.operation.name, gen_ai.provider.name, gen_ai.token.modality, gen_ai.request.model, gen_ai.response.model
-- value: value
-- needs: calls
-- OpenTelemetry's GenAI conventions, current generation: embeddings and fetch_response are not inference, and the modality is
-- unknown where the provider gives no split. Tokens are those of the first reading, so that the sum never falls.
WITH counted AS (
    SELECT
        operation,
        provider,
        request_model,
        response_model,
        sum(input_audio_tokens) AS audio,
        sum(input_tokens - coalesce(input_audio_tokens, 0)) AS unknown
    FROM (
        SELECT operation, provider, request_model, response_model, input_tokens, input_audio_tokens FROM calls
        UNION ALL BY NAME
        SELECT operation, provider, request_model, response_model, input_tokens, input_audio_tokens FROM ledger.until_reread
    )
    WHERE coalesce(operation, '') NOT IN ('embeddings', 'fetch_response')
    GROUP BY ALL
)

SELECT
    operation AS "gen_ai.operation.name",
    provider AS "gen_ai.provider.name",
    part.modality AS "gen_ai.token.modality",
    request_model AS "gen_ai.request.model",
    response_model AS "gen_ai.response.model",
    part.tokens AS value
FROM counted
CROSS JOIN LATERAL (VALUES ('audio', audio), ('unknown', unknown)) AS part (modality, tokens)
WHERE part.tokens IS NOT NULL

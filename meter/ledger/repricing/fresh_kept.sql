-- Those of a slice whose estimate is kept, with all that is billed as if it had been reported.
CREATE OR REPLACE TEMP VIEW fresh AS
SELECT
    id, started_at, provider, server_address AS server, account, project, region, deployment, api, operation, request_model,
    response_model, service_tier AS tier, requested_tier, context::JSON::MAP(VARCHAR, VARCHAR) AS context,
    NULL::VARCHAR AS source, status, false AS plain, struct_pack({counts}) AS counts, map_concat({billed}) AS usage,
    reported_cost, reported_currency, sent_chars, seen_chars
FROM reprice_slice AS lines
WHERE id IN (SELECT id FROM reprice_kept)

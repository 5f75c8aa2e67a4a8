-- The calls of a slice as pricing takes them (`FRESH` of meter.ledger.rows), made again from what the ledger keeps of each. Of an
-- estimated call that is the usage as it was reported; any other says nothing of its source, so that none is estimated anew.
CREATE OR REPLACE TEMP VIEW {view} AS
WITH billed AS (
    SELECT
        *,
        usage_source = 'estimated' AS estimated,
        other_usage IS NULL AND NOT coalesce(estimated, false) AS plain,
        CASE WHEN NOT plain THEN map_concat({billed}) END AS billed_usage,
        CASE WHEN estimated THEN coalesce(estimated_usage::JSON::{map}, MAP {{}}::{map}) END AS replacing
    FROM reprice_slice
),
reported AS (
    SELECT
        *,
        CASE
            WHEN estimated THEN map_concat(
                map_from_entries(list_filter(
                    coalesce(map_entries(billed_usage), []), lambda e: NOT map_contains(replacing, e.key)
                )),
                reported_usage::JSON::{map}
            )
            ELSE billed_usage
        END AS usage
    FROM billed
)
SELECT
    id, started_at, provider, server_address AS server, account, project, region, deployment, api, operation, request_model,
    response_model, service_tier AS tier, requested_tier, context::JSON::MAP(VARCHAR, VARCHAR) AS context,
    CASE
        WHEN estimated THEN coalesce(reported_source, CASE WHEN cardinality(usage) > 0 THEN 'partial' ELSE 'missing' END)
    END AS source,
    status, plain, struct_pack({counts}) AS counts, usage, reported_cost, reported_currency, sent_chars, seen_chars
FROM reported AS lines

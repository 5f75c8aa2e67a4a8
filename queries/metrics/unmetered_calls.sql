-- name: meter.unmetered.calls
-- unit: {call}
-- kind: sum
-- help: Calls to known providers that no SDK made, and that Meter therefore did not record.
-- attributes: gen_ai.provider.name, server.address, service
-- value: value
-- needs: unmetered
SELECT
    provider AS "gen_ai.provider.name",
    server_address AS "server.address",
    service,
    sum(calls)::BIGINT AS value
FROM unmetered
GROUP BY ALL

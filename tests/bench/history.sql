-- Thirteen months of calls, put into ledger.calls as ingest leaves them: in the order of time, ids that sort by it.
-- Every draw is a hash of the call's number, so the same numbers give the same calls, on however many threads.

-- What a call can be, each line as likely as any other: a model of a service, with what one million tokens or one token cost there.
CREATE OR REPLACE TEMP TABLE bench_lines AS
WITH sold AS (
    SELECT
        rate_card_id, model, priced_model, genai_id, unit_prices,
        row_number() OVER (PARTITION BY genai_id ORDER BY hash(model)) AS place
    FROM (
        SELECT *, provider AS genai_id, model AS priced_model
        FROM ledger.current_cards
        WHERE
            conditions = '' AND valid_from IS NULL AND valid_to IS NULL AND input_over IS NULL AND input_up_to IS NULL
            AND fine_prices IS NULL AND minimums IS NULL AND NOT per_call
            AND unit_prices['input'] > 0 AND unit_prices['cache_read'] IS NOT NULL AND unit_prices['cache_write_5m'] IS NOT NULL
            AND unit_prices['output'] > 0 AND unit_prices['reasoning'] IS NOT NULL
    )
    WHERE genai_id IN ('openai', 'anthropic', 'google', 'mistral', 'groq')
    QUALIFY place <= 8
),
models AS (
    SELECT
        row_number() OVER (ORDER BY place, genai_id) - 1 AS number,
        CASE genai_id WHEN 'google' THEN 'gcp.gemini' WHEN 'mistral' THEN 'mistral_ai' ELSE genai_id END AS provider,
        *
    FROM sold
),
slots AS (SELECT range AS slot, hash(range, 'service') % 15 AS service, hash(range, 'model') % 40 AS favourite FROM range(1024))
SELECT
    slot,
    format('service-{}', service) AS service,
    format('node-{}.eu-west-1.internal', service % 5) AS host,
    1000 + hash(service, slot % 3) % 60000 AS pid,
    models.provider,
    format('api.{}.example', models.provider) AS server_address,
    CASE WHEN models.provider = 'anthropic' THEN 'anthropic.messages' ELSE 'openai.chat' END AS api,
    CASE WHEN slot < 12 THEN format('private-model-{}', slot % 2) ELSE models.model END AS request_model,
    format('org-{}', left(md5(service::VARCHAR), 24)) AS account,
    format('proj_{}', left(md5(service::VARCHAR || 'p'), 24)) AS project,
    left(md5(service::VARCHAR || models.provider), 12) AS key_id,
    hash(service, 'team') % 6 AS team,
    CASE WHEN slot >= 12 THEN models.rate_card_id END AS rate_card_id, -- the first twelve run a model that nobody prices
    CASE WHEN slot >= 12 THEN models.priced_model END AS priced_model,
    CASE WHEN slot >= 12 THEN models.provider END AS model_developer,
    models.number % 3 = 0 AS thinks,
    CASE WHEN models.provider = 'mistral_ai' THEN 0.8 END::DECIMAL(3, 2) AS multiplier, -- one provider is under a contract
    struct_pack(
        input := unit_prices['input'], cache_read := unit_prices['cache_read'], cache_write_5m := unit_prices['cache_write_5m'],
        output := unit_prices['output'], reasoning := unit_prices['reasoning']
    ) AS price
FROM slots
JOIN models ON models.number = (service * 5 + favourite * favourite // 40) % 40;

INSERT INTO ledger.tag_sets
SELECT range + 1, ('0x' || left(md5(to_json(tags)::VARCHAR), 16))::UBIGINT, to_json(tags)::VARCHAR, tags
FROM (
    SELECT
        range,
        MAP {'customer': format('c-{}', range // 12), 'feature': format('feature-{}', range % 30), 'team': format('team-{}', range % 6)} AS tags
    FROM range(200)
);

-- Calls whose usage was not, or not wholly, seen, with token counts made from the characters that went by: three rows a call
-- (likely, low, high). What the provider did count stays; only the side that is unknown is estimated. A call refused before
-- any answer is not estimated (unseen.sql). $ratios: JSON, a list of objects, in tokens per character.
CREATE OR REPLACE TEMP TABLE price_cut AS
WITH ratios AS (
    SELECT unnest(from_json($ratios, '[{
        "family": "VARCHAR", "valid_from": "TIMESTAMPTZ", "valid_to": "TIMESTAMPTZ",
        "likely": "DECIMAL(18, 12)", "low": "DECIMAL(18, 12)", "high": "DECIMAL(18, 12)"}]'), recursive := true)
),
cut AS (
    SELECT
        calls.* REPLACE (CASE WHEN total_input(known) IS NULL THEN calls.sent_chars END AS sent_chars, false AS plain),
        -- cut before the first token: perhaps nobody bills it
        calls.source = 'missing' AND coalesce(calls.seen_chars, 0) = 0 AS perhaps_free,
        unnest([
            {'bound': 'likely', 'ratio': ratios.likely},
            {'bound': 'low', 'ratio': CASE WHEN perhaps_free THEN 0 ELSE ratios.low END},
            {'bound': 'high', 'ratio': ratios.high}
        ], recursive := true)
    FROM (
        SELECT * EXCLUDE (usage), coalesce(CASE WHEN plain THEN usual_usage(counts) ELSE usage END, MAP {}) AS known
        FROM price_unseen
    ) AS calls
    JOIN priced ON priced.id = calls.id
    JOIN ledger.model_matches AS matches ON matches.match_id = priced.match_id
    JOIN ratios
        ON ratios.family = matches.token_family
        AND coalesce(ratios.valid_from, '-infinity') <= calls.started_at
        AND coalesce(ratios.valid_to, 'infinity') > calls.started_at
),
estimated AS (
    SELECT
        *,
        tokens(sent_chars, ratio) AS input,
        CASE WHEN seen_chars IS NOT NULL THEN greatest(tokens(seen_chars, ratio), known['output']) END AS output,
        map_from_entries(list_filter(
            [{'key': 'input', 'value': input}, {'key': 'output', 'value': output}], lambda e: e.value IS NOT NULL
        )) AS estimated_usage
    FROM cut
)
SELECT
    * EXCLUDE (id, known, perhaps_free, bound, ratio, input, output, replaced),
    {'call': id, 'bound': bound} AS id,
    map_concat(known, estimated_usage) AS usage,
    -- what was reported of the classes whose place the estimate takes: kept, so that a repricing can estimate again
    CASE WHEN len(replaced) > 0 THEN to_json(map_from_entries(replaced))::VARCHAR END AS reported_usage
FROM (
    SELECT
        *,
        list_transform(
            list_filter(map_entries(known), lambda e: map_contains(estimated_usage, e.key)),
            lambda e: {'key': e.key, 'value': e.value::VARCHAR}
        ) AS replaced
    FROM estimated
)

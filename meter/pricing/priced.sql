-- The price of every call of price_batch: one row a call, its cost, and how far that cost can be trusted (price_status).
-- A plain call under a simple card is reckoned in columns (usual.py); any other by the list of its charges.
WITH stated_usage AS (
    SELECT *, CASE WHEN plain THEN usual_is_stated(counts) ELSE coalesce(cardinality(usage), 0) > 0 END AS has_usage
    FROM price_batch
),
matched AS (
    SELECT
        calls.id, calls.started_at, calls.source, calls.plain, calls.counts, calls.usage, calls.has_usage,
        calls.reported_cost, calls.reported_currency,
        matches.match_id, matches.priced_model, matches.model_developer,
        CASE WHEN calls.has_usage THEN matches.offer_id END AS offer_id,
        CASE
            WHEN NOT matches.has_bands THEN 0
            WHEN calls.plain THEN usual_input(calls.counts)
            ELSE coalesce(total_input(calls.usage), 0)
        END::DECIMAL(18, 6) AS total_input,
        ((epoch_us(calls.started_at) % 86400000000) + 86400000000) % 86400000000 // 1000000 AS second_of_day
    FROM stated_usage AS calls
    LEFT JOIN ledger.model_matches AS matches
        ON matches.provider IS NOT DISTINCT FROM calls.provider
        AND matches.server IS NOT DISTINCT FROM calls.server
        AND matches.account IS NOT DISTINCT FROM asked_account(calls.account)
        AND matches.deployment IS NOT DISTINCT FROM asked_deployment(calls.deployment)
        AND matches.response_model IS NOT DISTINCT FROM calls.response_model
        AND matches.request_model IS NOT DISTINCT FROM calls.request_model
        AND matches.tier IS NOT DISTINCT FROM calls.tier
        AND matches.requested_tier IS NOT DISTINCT FROM calls.requested_tier
        AND matches.region IS NOT DISTINCT FROM calls.region
        AND matches.price_context IS NOT DISTINCT FROM price_context(calls.context)
),
cards AS (
    SELECT
        rate_card_id, offer_id, currency, day_from_s, day_to_s, unit_prices, fine_prices, minimums, per_call,
        usual_prices(unit_prices) AS prices,
        fine_prices IS NULL AND minimums IS NULL AND NOT per_call AS is_simple,
        coalesce(valid_from, '-infinity') AS valid_from,
        coalesce(valid_to, 'infinity') AS valid_to,
        coalesce(input_over, -1)::DECIMAL(18, 6) AS input_over,
        coalesce(input_up_to, 999999999999)::DECIMAL(18, 6) AS input_up_to
    FROM ledger.rate_cards
    WHERE offer_id IN (SELECT offer_id FROM ledger.model_matches)
),
carded AS (
    SELECT
        calls.* EXCLUDE (usage),
        calls.plain AND coalesce(cards.is_simple, true) AS in_columns,
        CASE
            WHEN in_columns THEN NULL
            ELSE ledger.with_call_fee(CASE WHEN calls.plain THEN usual_usage(calls.counts) ELSE calls.usage END, cards.per_call)
        END AS usage,
        cards.rate_card_id, cards.currency, cards.prices, cards.unit_prices, cards.fine_prices, cards.minimums
    FROM matched AS calls
    LEFT JOIN cards
        ON cards.offer_id = calls.offer_id
        AND cards.valid_from <= calls.started_at
        AND cards.valid_to > calls.started_at
        AND cards.day_from_s <= calls.second_of_day
        AND cards.day_to_s > calls.second_of_day
        AND cards.input_over < calls.total_input
        AND cards.input_up_to >= calls.total_input
),
charged AS (
    SELECT
        *,
        CASE WHEN in_columns THEN NULL ELSE ledger.charges(usage, unit_prices, fine_prices, minimums) END AS charges
    FROM carded
),
summed AS (
    SELECT
        *,
        CASE WHEN in_columns THEN usual_sum(counts, prices) ELSE list_sum(charges)::DECIMAL(26, 12) END AS sum_of_charges,
        CASE WHEN list_count(charges) < len(charges) THEN list_zip(map_values(usage), charges) END AS gaps
    FROM charged
),
weighed AS (
    SELECT
        *,
        CASE
            WHEN in_columns THEN usual_lacks(counts, prices)
            ELSE coalesce(list_bool_or(list_transform(gaps, lambda g: g[1] > 0 AND g[2] IS NULL)), false)
        END AS lacks_prices,
        CASE
            WHEN in_columns THEN usual_has(counts, prices)
            ELSE coalesce(list_bool_or(list_transform(gaps, lambda g: g[1] > 0 AND g[2] IS NOT NULL)), false)
        END AS has_prices,
        CASE
            WHEN sum_of_charges <> 0 THEN NULL
            WHEN in_columns THEN usual_is_sold(counts, prices)
            ELSE list_bool_or(list_transform(map_keys(usage), lambda k: unit_prices[k] > 0))
        END AS has_a_price_above_0
    FROM summed
),
stated AS (
    SELECT
        *,
        CASE
            WHEN match_id IS NULL THEN NULL -- not asked of the catalogue yet
            WHEN sum_of_charges > 0 AND NOT lacks_prices THEN 'priced'
            WHEN sum_of_charges = 0 AND NOT lacks_prices AND has_a_price_above_0 THEN 'priced'
            WHEN sum_of_charges = 0 AND NOT lacks_prices AND reported_cost > 0 THEN 'reported' -- so it is not free
            WHEN sum_of_charges = 0 AND NOT lacks_prices THEN 'free'
            WHEN has_prices THEN 'partial'
            WHEN reported_cost IS NOT NULL THEN 'reported'
            WHEN NOT has_usage THEN 'no_usage'
            ELSE 'unpriced'
        END AS price_status
    FROM weighed
),
costed AS (
    SELECT
        * EXCLUDE (rate_card_id),
        CASE
            WHEN price_status IN ('priced', 'free', 'partial') THEN sum_of_charges
            WHEN price_status = 'reported' THEN reported_cost
        END AS known_cost,
        -- an account's billing currency applies here
        coalesce(CASE WHEN price_status = 'reported' THEN reported_currency ELSE currency END, 'USD') AS known_currency,
        CASE WHEN price_status IN ('priced', 'free', 'partial') THEN rate_card_id END AS rate_card_id
    FROM stated
)
SELECT
    id,
    priced_model,
    model_developer,
    known_cost AS list_cost,
    known_cost AS contracted_cost, -- contract rules apply here
    known_cost AS effective_cost,
    known_currency AS list_currency,
    known_currency AS currency,
    price_status,
    rate_card_id,
    NULL::INTEGER AS contract_card_id,
    NULL::INTEGER AS contract_rule_id,
    coalesce(source, CASE WHEN has_usage THEN 'reported' ELSE 'missing' END) AS usage_source,
    NULL::MAP(VARCHAR, DECIMAL(24, 6)) AS estimated_usage,
    NULL::VARCHAR AS reported_usage,
    NULL::DECIMAL(26, 12) AS estimate_low,
    NULL::DECIMAL(26, 12) AS estimate_high,
    match_id
FROM costed

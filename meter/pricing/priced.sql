-- The price of every call of price_batch: one row a call, its cost, and how far that cost can be trusted (price_status).
WITH matched AS (
    SELECT
        calls.id, calls.started_at, calls.source, calls.usage, calls.reported_cost, calls.reported_currency,
        matches.match_id, matches.priced_model, matches.model_developer,
        CASE WHEN cardinality(calls.usage) > 0 THEN matches.offer_id END AS offer_id,
        CASE WHEN matches.has_bands THEN coalesce(total_input(calls.usage), 0) ELSE 0::DECIMAL(18, 6) END AS total_input,
        ((epoch_us(calls.started_at) % 86400000000) + 86400000000) % 86400000000 // 1000000 AS second_of_day
    FROM price_batch AS calls
    LEFT JOIN ledger.model_matches AS matches
        ON matches.provider IS NOT DISTINCT FROM calls.provider
        AND matches.server IS NOT DISTINCT FROM calls.server
        AND matches.response_model IS NOT DISTINCT FROM calls.response_model
        AND matches.request_model IS NOT DISTINCT FROM calls.request_model
        AND matches.tier IS NOT DISTINCT FROM calls.tier
        AND matches.requested_tier IS NOT DISTINCT FROM calls.requested_tier
        AND matches.region IS NOT DISTINCT FROM calls.region
        AND matches.price_context IS NOT DISTINCT FROM price_context(calls.context)
),
cards AS (
    SELECT
        * EXCLUDE (valid_from, valid_to, input_over, input_up_to),
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
        ledger.with_call_fee(calls.usage, cards.per_call) AS usage,
        cards.rate_card_id, cards.currency, cards.unit_prices, cards.fine_prices, cards.minimums
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
    SELECT *, ledger.charges(usage, unit_prices, fine_prices, minimums) AS charges
    FROM carded
),
summed AS (
    SELECT
        *,
        list_sum(charges)::DECIMAL(26, 12) AS sum_of_charges,
        CASE WHEN list_count(charges) < len(charges) THEN list_zip(map_values(usage), charges) END AS gaps
    FROM charged
),
weighed AS (
    SELECT
        *,
        coalesce(list_bool_or(list_transform(gaps, lambda g: g[1] > 0 AND g[2] IS NULL)), false) AS lacks_prices,
        coalesce(list_bool_or(list_transform(gaps, lambda g: g[1] > 0 AND g[2] IS NOT NULL)), false) AS has_prices,
        CASE
            WHEN sum_of_charges = 0 THEN list_bool_or(list_transform(map_keys(usage), lambda k: unit_prices[k] > 0))
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
            WHEN coalesce(cardinality(usage), 0) = 0 THEN 'no_usage'
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
    NULL::INTEGER AS contract_rule_id,
    coalesce(source, CASE WHEN cardinality(usage) > 0 THEN 'reported' ELSE 'missing' END) AS usage_source,
    NULL::MAP(VARCHAR, DECIMAL(24, 6)) AS estimated_usage,
    NULL::DECIMAL(26, 12) AS estimate_low,
    NULL::DECIMAL(26, 12) AS estimate_high,
    match_id
FROM costed

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
        CASE WHEN calls.has_usage THEN coalesce(matches.contract_offer_id, matches.offer_id) END AS offer_id,
        CASE
            WHEN NOT matches.has_bands THEN 0
            WHEN calls.plain THEN usual_input(calls.counts)
            ELSE coalesce(total_input(calls.usage), 0)
        END::DECIMAL(18, 6) AS total_input,
        ledger.second_of_day(calls.started_at) AS second_of_day
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
cards AS ( -- what is due: a contract's card, with the public one that it was made from, or a public card by itself
    SELECT
        due.rate_card_id AS due_card_id, due.offer_id, due.currency, due.day_from_s, due.day_to_s,
        public.rate_card_id, public.currency AS list_currency,
        CASE WHEN len(due.terms) > 0 THEN due.rate_card_id END AS contract_card_id,
        due.contract_rule_id,
        usual_prices(due.unit_prices) AS prices,
        usual_prices(public.unit_prices) AS list_prices,
        due.per_call OR coalesce(public.per_call, false) AS has_call_fee,
        NOT has_call_fee AND due.fine_prices IS NULL AND due.minimums IS NULL AND public.fine_prices IS NULL AND public.minimums IS NULL
            AS is_simple,
        coalesce(due.valid_from, '-infinity') AS valid_from,
        coalesce(due.valid_to, 'infinity') AS valid_to,
        coalesce(due.input_over, -1)::DECIMAL(18, 6) AS input_over,
        coalesce(due.input_up_to, 999999999999)::DECIMAL(18, 6) AS input_up_to
    FROM ledger.rate_cards AS due
    LEFT JOIN ledger.rate_cards AS public
        ON public.rate_card_id = CASE WHEN due.contract_rules IS NULL THEN due.rate_card_id ELSE due.public_card_id END
    WHERE due.offer_id IN (
        SELECT offer_id FROM ledger.model_matches UNION ALL SELECT contract_offer_id FROM ledger.model_matches
    )
),
found AS (
    SELECT
        calls.* EXCLUDE (usage),
        calls.plain AND coalesce(cards.is_simple, true) AS in_columns,
        CASE
            WHEN in_columns THEN NULL
            ELSE ledger.with_call_fee(CASE WHEN calls.plain THEN usual_usage(calls.counts) ELSE calls.usage END, cards.has_call_fee)
        END AS usage,
        cards.rate_card_id, cards.contract_card_id, cards.contract_rule_id, cards.currency, cards.list_currency,
        cards.prices, cards.list_prices,
        CASE WHEN NOT in_columns THEN cards.due_card_id END AS due_card_id,
        CASE WHEN NOT in_columns THEN cards.rate_card_id END AS list_card_id
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
carded AS ( -- the maps are dear to carry, and nearly no call needs them
    SELECT
        found.*,
        due.unit_prices, due.fine_prices, due.minimums,
        public.unit_prices AS list_unit_prices, public.fine_prices AS list_fine_prices, public.minimums AS list_minimums
    FROM found
    LEFT JOIN ledger.rate_cards AS due ON due.rate_card_id = found.due_card_id
    LEFT JOIN ledger.rate_cards AS public ON public.rate_card_id = found.list_card_id
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
        CASE WHEN in_columns THEN usual_sum(counts, prices) ELSE sum_of_charges(charges) END AS due,
        CASE
            WHEN contract_card_id IS NULL THEN due
            WHEN in_columns THEN usual_sum(counts, list_prices)
            ELSE sum_of_charges(ledger.charges(usage, list_unit_prices, list_fine_prices, list_minimums))
        END AS list_sum,
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
            WHEN due <> 0 THEN NULL
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
            WHEN due > 0 AND NOT lacks_prices THEN 'priced'
            WHEN due = 0 AND NOT lacks_prices AND has_a_price_above_0 THEN 'priced'
            WHEN due = 0 AND NOT lacks_prices AND reported_cost > 0 AND contract_card_id IS NULL THEN 'reported' -- so it is not free
            WHEN due = 0 AND NOT lacks_prices THEN 'free'
            WHEN due IS NOT NULL AND has_prices THEN 'partial'
            WHEN reported_cost IS NOT NULL THEN 'reported'
            WHEN NOT has_usage THEN 'no_usage'
            ELSE 'unpriced'
        END AS price_status,
        price_status IN ('priced', 'free', 'partial') AS is_charged
    FROM weighed
)
SELECT
    id,
    priced_model,
    model_developer,
    CASE WHEN is_charged THEN list_sum WHEN price_status = 'reported' THEN reported_cost END AS list_cost,
    CASE WHEN is_charged THEN due WHEN price_status = 'reported' THEN reported_cost END AS contracted_cost,
    contracted_cost AS effective_cost,
    coalesce(CASE WHEN price_status = 'reported' THEN reported_currency ELSE list_currency END, 'USD') AS list_currency,
    coalesce(CASE WHEN price_status = 'reported' THEN reported_currency ELSE currency END, 'USD') AS currency,
    price_status,
    CASE WHEN is_charged THEN rate_card_id END AS rate_card_id,
    CASE WHEN is_charged OR NOT has_prices THEN contract_card_id END AS contract_card_id, -- by the month it counts all the same
    CASE WHEN is_charged THEN contract_rule_id END AS contract_rule_id,
    coalesce(source, CASE WHEN has_usage THEN 'reported' ELSE 'missing' END) AS usage_source,
    NULL::MAP(VARCHAR, DECIMAL(24, 6)) AS estimated_usage,
    NULL::VARCHAR AS reported_usage,
    NULL::DECIMAL(26, 12) AS estimate_low,
    NULL::DECIMAL(26, 12) AS estimate_high,
    match_id
FROM stated

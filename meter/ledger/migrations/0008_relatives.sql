-- What calls without a price might cost, what discounts and caches saved, and what long inputs cost.

-- What was asked of the price book, and why it had no answer: the models whose names come nearest, nearest first. Asked anew
-- whenever the price book or the configuration changes.
CREATE TABLE ledger.relatives (
    book VARCHAR NOT NULL,       -- the editions of catalogue and configuration that answered
    provider VARCHAR,
    server VARCHAR,
    account VARCHAR,             -- NULL unless a contract depends on it
    deployment VARCHAR,          -- NULL unless a contract or an alias depends on it
    response_model VARCHAR,
    request_model VARCHAR,
    tier VARCHAR,
    requested_tier VARCHAR,
    region VARCHAR,
    context VARCHAR NOT NULL,    -- JSON: what of the call's context a price may depend on
    reason VARCHAR,              -- why there is no price; NULL: there is an offer, which may lack the class or begin later
    priced_model VARCHAR,        -- NULL: the price book knows no such model
    offer VARCHAR,               -- in words, for a call before its first day
    starts_at TIMESTAMPTZ,       -- the offer's first day; NULL: ever
    likely_alias VARCHAR,        -- the nearest model, where the name itself is not known
    relatives STRUCT(provider VARCHAR, model VARCHAR, title VARCHAR)[] NOT NULL -- the model's own name alone, where it is known
);

-- A sum of quantities at one price, rounded once, half up, to 12 decimals. It is the sum of the charges to the last digit where
-- the price has no more than 12 decimals; a finer price is rounded here once for all of them.
CREATE MACRO ledger.amount(quantity, unit_price, fine_price) AS
CASE
    WHEN fine_price IS NULL THEN (quantity::DECIMAL(30, 6) * unit_price::DECIMAL(18, 12))::DECIMAL(38, 12)
    ELSE (
        (quantity::DECIMAL(30, 6) * unit_price::DECIMAL(18, 12))::DECIMAL(38, 18)
        + (quantity::DECIMAL(30, 6) * (fine_price - unit_price)::DECIMAL(24, 24))::DECIMAL(38, 18)
    )::DECIMAL(38, 12)
END;

-- An amount as a whole number of its twelfth decimal.
CREATE MACRO ledger.whole(amount) AS (amount::DECIMAL(38, 12) * 1000000000000::BIGINT)::HUGEINT;

-- An exact division, rounded half up (away from zero) to 12 decimals: an amount by a count, or by another amount. It is done in
-- whole numbers, since DuckDB's own division of decimals is a DOUBLE. NULL where there is nothing to divide by.
CREATE MACRO ledger.quotient(amount, divisor) AS
CASE WHEN divisor <> 0 THEN (
    sign(amount) * sign(divisor) * (
        (2 * abs(ledger.whole(amount)) * 1000000000000 + abs(ledger.whole(divisor))) // (2 * abs(ledger.whole(divisor)))
    )
)::DECIMAL(38, 0) * 0.000000000001::DECIMAL(12, 12) END;

-- The class that tokens would have had without a cache; NULL for those that met none.
CREATE MACRO ledger.uncached_class(usage_class) AS
CASE
    WHEN usage_class IN ('cache_read', 'cache_write', 'cache_write_5m', 'cache_write_1h') THEN 'input'
    WHEN usage_class IN ('cache_read_audio', 'cache_write_audio') THEN 'input_audio'
    WHEN usage_class IN ('cache_read_image', 'cache_write_image') THEN 'input_image'
    WHEN usage_class IN ('cache_read_video', 'cache_write_video') THEN 'input_video'
END;

-- The most input tokens of a call of its size; NULL beyond the last. Each size begins above the one before, as providers' prices
-- for long input do: 200,000 tokens are no long input, 200,001 are.
CREATE MACRO ledger.input_size(tokens) AS
CASE
    WHEN tokens <= 1000 THEN 1000
    WHEN tokens <= 8000 THEN 8000
    WHEN tokens <= 32000 THEN 32000
    WHEN tokens <= 128000 THEN 128000
    WHEN tokens <= 200000 THEN 200000
    WHEN tokens <= 1000000 THEN 1000000
END;

-- For each card with conditions (batch, flex, …) the standard cards of the same model and catalogue. Their windows and bands may
-- differ, so a call's own moment and input choose among them.
CREATE VIEW ledger.standard_cards AS
SELECT
    special.rate_card_id AS special_card_id,
    standard.rate_card_id,
    coalesce(standard.valid_from, '-infinity') AS valid_from,
    coalesce(standard.valid_to, 'infinity') AS valid_to,
    standard.day_from_s,
    standard.day_to_s,
    coalesce(standard.input_over, -1) AS input_over,
    coalesce(standard.input_up_to, 9223372036854775807) AS input_up_to
FROM ledger.rate_cards AS special
JOIN ledger.rate_cards AS standard
    ON standard.source = special.source
    AND standard.edition = special.edition
    AND standard.provider = special.provider
    AND standard.model = special.model
WHERE special.conditions <> '' AND standard.conditions = '' AND special.contract_rules IS NULL AND standard.contract_rules IS NULL;

-- Sums of the classes that have columns of their own, one line a class; the order of the columns.
CREATE MACRO ledger.usual_lines(
    input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, output, reasoning, output_audio
) AS [
    {'usage_class': 'input', 'quantity': input::DECIMAL(38, 6)},
    {'usage_class': 'cache_read', 'quantity': cache_read::DECIMAL(38, 6)},
    {'usage_class': 'cache_write', 'quantity': cache_write::DECIMAL(38, 6)},
    {'usage_class': 'cache_write_5m', 'quantity': cache_write_5m::DECIMAL(38, 6)},
    {'usage_class': 'cache_write_1h', 'quantity': cache_write_1h::DECIMAL(38, 6)},
    {'usage_class': 'input_audio', 'quantity': input_audio::DECIMAL(38, 6)},
    {'usage_class': 'output', 'quantity': output::DECIMAL(38, 6)},
    {'usage_class': 'reasoning', 'quantity': reasoning::DECIMAL(38, 6)},
    {'usage_class': 'output_audio', 'quantity': output_audio::DECIMAL(38, 6)}
];

-- What the views of savings and sizes are made of: the calls of a span summed up by card, so that millions of calls become a few
-- hundred rows before anything is multiplied by a price. A row is a usage class with its quantity; the row without a class has the
-- costs, as the calls have them, so that they add up to the ledger to the last digit.
CREATE MACRO ledger.card_usage(since, until) AS TABLE
WITH keyed AS NOT MATERIALIZED (
    SELECT
        date_trunc('month', calls.started_at AT TIME ZONE current_setting('TimeZone'))::DATE AS month,
        calls.provider,
        coalesce(calls.response_model, calls.request_model) AS model,
        calls.list_currency,
        calls.currency,
        calls.rate_card_id,
        standard.rate_card_id AS standard_card_id,
        calls.input_total AS input_total,
        ledger.input_size(calls.input_total) AS input_up_to,
        calls.input_total IS NOT NULL AS has_input,
        calls.* EXCLUDE (started_at, provider, response_model, request_model, list_currency, currency, rate_card_id, input_total)
    FROM (
        SELECT
            started_at, provider, response_model, request_model, list_currency, currency, rate_card_id, other_usage, list_cost,
            coalesce(contracted_cost_if_other, list_cost) AS contracted_cost,
            coalesce(effective_cost_if_other, contracted_cost_if_other, list_cost) AS effective_cost,
            input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, output, reasoning, output_audio,
            CASE WHEN coalesce(input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, other_input) IS NOT NULL
                THEN coalesce(input, 0) + coalesce(cache_read, 0) + coalesce(cache_write, 0) + coalesce(cache_write_5m, 0)
                    + coalesce(cache_write_1h, 0) + coalesce(input_audio, 0) + coalesce(other_input, 0)
            END AS input_total
        FROM ledger.all_calls
        WHERE started_at >= since AND started_at < until
    ) AS calls
    LEFT JOIN ledger.standard_cards AS standard
        ON standard.special_card_id = calls.rate_card_id
        AND standard.valid_from <= calls.started_at
        AND standard.valid_to > calls.started_at
        AND standard.day_from_s <= ledger.second_of_day(calls.started_at)
        AND standard.day_to_s > ledger.second_of_day(calls.started_at)
        AND standard.input_over < coalesce(calls.input_total, 0)
        AND standard.input_up_to >= coalesce(calls.input_total, 0)
),
totals AS MATERIALIZED (
    SELECT
        month, provider, model, list_currency, currency, rate_card_id, standard_card_id, has_input, input_up_to,
        count(*) AS calls,
        count(effective_cost) AS costed_calls,
        sum(input_total) AS input_tokens,
        sum(list_cost) AS list_cost,
        sum(contracted_cost) AS contracted_cost,
        sum(effective_cost) AS effective_cost,
        sum(list_cost - contracted_cost) AS contract_savings,
        sum(contracted_cost - effective_cost) AS commitment_savings,
        ledger.usual_lines(
            sum(input), sum(cache_read), sum(cache_write), sum(cache_write_5m), sum(cache_write_1h), sum(input_audio),
            sum(output), sum(reasoning), sum(output_audio)
        ) AS lines
    FROM keyed
    GROUP BY month, provider, model, list_currency, currency, rate_card_id, standard_card_id, has_input, input_up_to
),
others AS (
    SELECT
        month, provider, model, list_currency, currency, rate_card_id, standard_card_id, has_input, input_up_to,
        unnest(map_entries(other_usage::JSON::MAP(VARCHAR, DECIMAL(24, 6)))) AS line
    FROM keyed
    WHERE other_usage IS NOT NULL
),
usual AS (
    SELECT
        month, provider, model, list_currency, currency, rate_card_id, standard_card_id, has_input, input_up_to,
        unnest(lines, recursive := true)
    FROM totals
),
-- A least quantity is of each call.
unusual AS (
    SELECT
        others.* EXCLUDE (line),
        others.line.key AS usage_class,
        sum(ledger.billed_quantity(others.line.value, cards.minimums[others.line.key])) AS quantity
    FROM others
    LEFT JOIN ledger.rate_cards AS cards ON cards.rate_card_id = others.rate_card_id
    GROUP BY ALL
)
SELECT * EXCLUDE (lines), NULL::VARCHAR AS usage_class, NULL::DECIMAL(38, 6) AS quantity FROM totals
UNION ALL BY NAME
SELECT * FROM usual WHERE quantity IS NOT NULL
UNION ALL BY NAME
SELECT * FROM unusual;

CREATE MACRO ledger.is_token(usage_class) AS usage_class NOT IN (
    'audio_seconds', 'input_audio_seconds', 'output_audio_seconds', 'characters', 'pixels', 'pages', 'annotated_pages', 'messages',
    'images', 'web_searches', 'social_searches', 'file_searches', 'rerank_searches', 'web_fetches', 'code_executions', 'requests'
);

-- What has no price in a span: an item is a model, a tier, a status and a reason, with what it would cost at the prices of its
-- nearest relatives: each class at the lowest and at the highest price that any of them has for it, and the sum of these.
CREATE MACRO ledger.unpriced_between(since, until) AS TABLE
WITH lacking AS NOT MATERIALIZED (
    SELECT
        struct_pack(
            provider := provider, server := server_address, account := account, deployment := deployment,
            response_model := response_model, request_model := request_model, tier := service_tier,
            requested_tier := requested_tier, region := region, context := coalesce(context, '{}'),
            price_status := price_status, priced_model := priced_model, card_id := coalesce(contract_card_id, rate_card_id)
        ) AS asked,
        started_at, input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, output, reasoning, output_audio,
        other_usage
    FROM ledger.all_calls
    WHERE price_status IN ('unpriced', 'partial') AND started_at >= since AND started_at < until
),
asked AS (
    SELECT
        asked, count(*) AS calls, min(started_at) AS first_at, max(started_at) AS last_at,
        ledger.usual_lines(
            sum(input), sum(cache_read), sum(cache_write), sum(cache_write_5m), sum(cache_write_1h), sum(input_audio),
            sum(output), sum(reasoning), sum(output_audio)
        ) AS lines
    FROM lacking
    GROUP BY asked
),
-- The answer to the most of what was asked: where an account or a deployment matters to no price, none stands there.
answered AS (
    SELECT asked.* EXCLUDE (lines), relatives.*
    FROM asked
    LEFT JOIN ledger.relatives AS relatives
        ON relatives.provider IS NOT DISTINCT FROM asked.asked.provider
        AND relatives.server IS NOT DISTINCT FROM asked.asked.server
        AND relatives.response_model IS NOT DISTINCT FROM asked.asked.response_model
        AND relatives.request_model IS NOT DISTINCT FROM asked.asked.request_model
        AND relatives.tier IS NOT DISTINCT FROM asked.asked.tier
        AND relatives.requested_tier IS NOT DISTINCT FROM asked.asked.requested_tier
        AND relatives.region IS NOT DISTINCT FROM asked.asked.region
        AND coalesce(relatives.account = asked.asked.account, relatives.account IS NULL)
        AND coalesce(relatives.deployment = asked.asked.deployment, relatives.deployment IS NULL)
        AND json_contains(asked.asked.context, relatives.context)
    QUALIFY row_number() OVER (
        PARTITION BY asked.asked
        ORDER BY relatives.account IS NULL, relatives.deployment IS NULL, length(relatives.context) DESC
    ) = 1
),
items AS (
    SELECT
        asked,
        calls,
        first_at,
        last_at,
        struct_pack(
            provider := asked.provider,
            model := coalesce(asked.response_model, asked.request_model),
            tier := asked.tier,
            price_status := asked.price_status,
            priced_model := coalesce(asked.priced_model, answered.priced_model),
            is_known := answered.priced_model IS NOT NULL,
            -- Where a part has a price, a card was found: it is the class that has none.
            reason := CASE WHEN asked.price_status = 'unpriced' THEN coalesce(reason, CASE WHEN first_at < starts_at
                THEN offer || ', before ' || strftime(starts_at, '%Y-%m-%d') END) END,
            likely_alias := likely_alias,
            relatives := coalesce(relatives, [])
        ) AS item
    FROM answered
),
quantities AS (
    SELECT items.item, line.usage_class, sum(line.quantity) AS quantity
    FROM (
        SELECT asked, unnest(lines) AS line FROM asked
        UNION ALL
        SELECT asked, {'usage_class': entry.key, 'quantity': entry.value::DECIMAL(38, 6)} AS line
        FROM (
            SELECT asked, unnest(map_entries(other_usage::JSON::MAP(VARCHAR, DECIMAL(24, 6)))) AS entry
            FROM lacking
            WHERE other_usage IS NOT NULL
        )
    ) AS lines
    JOIN items ON items.asked = lines.asked
    LEFT JOIN ledger.rate_cards AS cards ON cards.rate_card_id = lines.asked.card_id
    WHERE
        line.quantity IS NOT NULL
        AND cards.unit_prices[line.usage_class] IS NULL
        AND (line.quantity > 0 OR lines.asked.price_status = 'unpriced')
    GROUP BY ALL
),
totals AS (
    SELECT item, sum(calls)::BIGINT AS calls, min(first_at) AS first_at, max(last_at) AS last_at
    FROM items
    GROUP BY item
),
-- Of another model only the standard prices; of the model itself every offer. What held in the span of the calls; of an offer that
-- did not hold at all then, everything.
cards AS (
    SELECT totals.item, current_cards.*
    FROM (
        SELECT item, first_at, last_at, unnest(item.relatives) AS near, generate_subscripts(item.relatives, 1) AS place FROM totals
    ) AS totals
    JOIN ledger.current_cards AS current_cards
        ON current_cards.provider = totals.near.provider AND current_cards.model = totals.near.model
    WHERE item.is_known OR current_cards.conditions = ''
    QUALIFY
        currency = first_value(currency) OVER (PARTITION BY totals.item ORDER BY place)
        AND (
            (coalesce(valid_from, '-infinity') <= last_at AND coalesce(valid_to, 'infinity') > first_at)
            OR NOT bool_or(coalesce(valid_from, '-infinity') <= last_at AND coalesce(valid_to, 'infinity') > first_at)
                OVER (PARTITION BY totals.item, offer_id)
        )
),
bounds AS (
    SELECT
        quantities.item, quantities.usage_class, quantities.quantity,
        min(ledger.amount(quantities.quantity, cards.unit_prices[usage_class], cards.fine_prices[usage_class])) AS low,
        max(ledger.amount(quantities.quantity, cards.unit_prices[usage_class], cards.fine_prices[usage_class])) AS high,
        any_value(cards.currency) AS currency
    FROM quantities
    LEFT JOIN cards ON cards.item = quantities.item
    GROUP BY ALL
),
summed AS (
    SELECT
        item,
        list_sort(list(usage_class)) AS usage_classes,
        list_sort(list(usage_class) FILTER (quantity > 0)) AS lacking_classes,
        list_sort(list(usage_class) FILTER (quantity > 0 AND high IS NULL)) AS unbounded_classes,
        sum(quantity) FILTER (ledger.is_token(usage_class)) AS tokens,
        sum(low) AS bound_low,
        sum(high) AS bound_high,
        CASE WHEN bound_high IS NOT NULL THEN any_value(currency) END AS currency
    FROM bounds
    GROUP BY item
)
SELECT
    totals.item.provider AS provider,
    totals.item.model AS model,
    totals.item.tier AS service_tier,
    totals.item.price_status AS price_status,
    usage_classes,
    calls,
    tokens,
    first_at,
    last_at,
    coalesce(
        totals.item.reason,
        coalesce(totals.item.priced_model, model) || ' has no price for: ' || array_to_string(lacking_classes, ', ')
    ) AS reason,
    totals.item.likely_alias AS likely_alias,
    list_transform(totals.item.relatives, lambda near: near.title) AS relatives,
    bound_low,
    bound_high,
    currency,
    unbounded_classes
FROM totals
JOIN summed ON summed.item = totals.item;

-- From list to effective cost in a span, by month, and what each lever saved: full_list_cost is what the same usage would cost at
-- list prices, uncached and at the standard tier. The costs are sums of the calls'. Caches and tiers are reckoned at list prices, on sums of tokens: exact to the last digit for prices of up to 12 decimals; a finer price is rounded
-- once for all calls of a card and not once for each.
CREATE MACRO ledger.savings_between(since, until) AS TABLE
WITH usage AS (
    FROM ledger.card_usage(since, until)
),
levers AS (
    SELECT
        usage.*,
        ledger.amount(quantity, own.unit_prices[uncached], own.fine_prices[uncached])
            - ledger.amount(quantity, own.unit_prices[usage_class], own.fine_prices[usage_class]) AS cache_savings,
        ledger.amount(quantity, standard.unit_prices[usage_class], standard.fine_prices[usage_class])
            - ledger.amount(quantity, own.unit_prices[usage_class], own.fine_prices[usage_class]) AS tier_savings,
        list_contains(string_split(own.conditions, ','), 'processing=batch') AS is_batch,
        list_contains(string_split(own.conditions, ','), 'service_tier=flex') AS is_flex
    FROM (SELECT *, ledger.uncached_class(usage_class) AS uncached FROM usage) AS usage
    LEFT JOIN ledger.rate_cards AS own ON own.rate_card_id = usage.rate_card_id
    LEFT JOIN ledger.rate_cards AS standard ON standard.rate_card_id = usage.standard_card_id
),
summed AS (
    SELECT
        month,
        provider,
        model,
        list_currency,
        currency,
        sum(calls)::BIGINT AS calls,
        sum(list_cost) AS list_cost,
        sum(contracted_cost) AS contracted_cost,
        sum(effective_cost) AS effective_cost,
        coalesce(sum(cache_savings), 0)::DECIMAL(38, 12) AS cache_savings,
        coalesce(sum(tier_savings) FILTER (is_batch), 0)::DECIMAL(38, 12) AS batch_savings,
        coalesce(sum(tier_savings) FILTER (is_flex), 0)::DECIMAL(38, 12) AS flex_savings,
        -- Two currencies have no difference.
        CASE WHEN list_currency IS NOT DISTINCT FROM currency THEN sum(contract_savings) END AS contract_savings,
        sum(commitment_savings) AS commitment_savings
    FROM levers
    GROUP BY month, provider, model, list_currency, currency
    HAVING sum(calls) > 0
)
SELECT
    month,
    provider,
    model,
    currency,
    list_currency,
    calls,
    list_cost + cache_savings + batch_savings + flex_savings AS full_list_cost,
    cache_savings,
    batch_savings,
    flex_savings,
    list_cost,
    contract_savings,
    contracted_cost,
    commitment_savings,
    effective_cost,
    cache_savings + batch_savings + flex_savings + contract_savings + commitment_savings AS saved,
    ledger.quotient(saved, saved + effective_cost) AS effective_savings_rate
FROM summed;

-- What a call costs by the length of its input, and what its length adds to the price: list cost less what the same usage would
-- have cost at the price of short input, of the same offer and window.
CREATE MACRO ledger.context_cost_between(since, until) AS TABLE
WITH long_cards AS (
    SELECT long.rate_card_id, long.unit_prices, long.fine_prices, short.unit_prices AS short_prices, short.fine_prices AS fine_short_prices
    FROM ledger.rate_cards AS long
    JOIN ledger.rate_cards AS short
        ON short.offer_id = long.offer_id
        AND short.valid_from IS NOT DISTINCT FROM long.valid_from
        AND short.valid_to IS NOT DISTINCT FROM long.valid_to
        AND short.day_from_s = long.day_from_s
        AND short.day_to_s = long.day_to_s
    WHERE long.input_over IS NOT NULL AND short.input_over IS NULL
),
summed AS (
    SELECT
        usage.month,
        usage.provider,
        usage.model,
        usage.list_currency,
        usage.currency,
        usage.has_input,
        usage.input_up_to,
        sum(usage.calls)::BIGINT AS calls,
        sum(usage.costed_calls)::BIGINT AS costed_calls,
        sum(usage.input_tokens) AS input_tokens,
        sum(usage.list_cost) AS list_cost,
        sum(usage.effective_cost) AS effective_cost,
        coalesce(sum(
            ledger.amount(usage.quantity, cards.unit_prices[usage.usage_class], cards.fine_prices[usage.usage_class])
            - ledger.amount(usage.quantity, cards.short_prices[usage.usage_class], cards.fine_short_prices[usage.usage_class])
        ), 0)::DECIMAL(38, 12) AS long_context_premium
    FROM ledger.card_usage(since, until) AS usage
    LEFT JOIN long_cards AS cards ON cards.rate_card_id = usage.rate_card_id
    GROUP BY usage.month, usage.provider, usage.model, usage.list_currency, usage.currency, usage.has_input, usage.input_up_to
)
SELECT
    month,
    provider,
    model,
    CASE WHEN has_input THEN CASE input_up_to
        WHEN 1000 THEN 0 WHEN 8000 THEN 1000 WHEN 32000 THEN 8000 WHEN 128000 THEN 32000 WHEN 200000 THEN 128000
        WHEN 1000000 THEN 200000 ELSE 1000000
    END END AS input_over,
    input_up_to,
    calls,
    costed_calls,
    input_tokens,
    effective_cost,
    ledger.quotient(effective_cost, costed_calls) AS cost_per_call,
    currency,
    list_cost,
    long_context_premium,
    list_currency
FROM summed;

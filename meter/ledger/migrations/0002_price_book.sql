-- The price book: what each model cost when, as we knew it when, and the arithmetic that every charge goes through.

-- One row per catalogue taken in. Editions count upwards, so a clock that jumps cannot reorder them.
CREATE TABLE ledger.catalogues (
    edition INTEGER NOT NULL,
    source VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);

-- What an offer (one model under one set of conditions) costs in one window of time and one band of total input. Rows are only
-- ever added: a model's newest edition prices new calls, older ones explain what was priced with them. The maps are by usage
-- class, per single unit, and hold the prices that a class inherits beside those it has of its own.
CREATE TABLE ledger.rate_cards (
    rate_card_id INTEGER NOT NULL,
    offer_id INTEGER NOT NULL,     -- the same for all cards of one offer in one edition
    edition INTEGER NOT NULL,
    source VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,       -- of everything the catalogue says of this model
    url VARCHAR,                   -- the provider's price page
    provider VARCHAR NOT NULL,     -- the catalogue's id
    model VARCHAR NOT NULL,
    conditions VARCHAR NOT NULL,   -- '' is the standard price; else such as 'processing=batch'
    currency VARCHAR NOT NULL,
    valid_from TIMESTAMPTZ,        -- inclusive; NULL: ever
    valid_to TIMESTAMPTZ,          -- exclusive; NULL: until further notice
    day_from_s INTEGER NOT NULL,   -- seconds of the day in UTC: inclusive,
    day_to_s INTEGER NOT NULL,     -- and exclusive
    input_over BIGINT,             -- total input, cache included: above this; NULL: from 0
    input_up_to BIGINT,            -- and at most this; NULL: any
    unit_prices MAP(VARCHAR, DECIMAL(18, 12)) NOT NULL,
    fine_prices MAP(VARCHAR, DECIMAL(27, 24)), -- where 12 decimals are too few: used instead of unit_prices
    minimums MAP(VARCHAR, DECIMAL(18, 6)),     -- least quantity billed, once there is any
    priced_as MAP(VARCHAR, VARCHAR),           -- the class whose price it is, where a class has none of its own
    per_call BOOLEAN NOT NULL,     -- one 'requests' is charged per call, also where the response does not count it
    recorded_at TIMESTAMPTZ NOT NULL
);

-- What each combination of names and conditions was matched to: asked of the catalogue once, remembered until the next edition.
CREATE TABLE ledger.model_matches (
    match_id INTEGER NOT NULL,
    provider VARCHAR,
    server VARCHAR,
    response_model VARCHAR,
    request_model VARCHAR,
    tier VARCHAR,
    requested_tier VARCHAR,
    region VARCHAR,
    price_context VARCHAR,       -- JSON: what of the call's context a price may depend on
    offer_id INTEGER,            -- NULL: no price under these conditions
    has_bands BOOLEAN NOT NULL,  -- whether the price depends on the length of the input
    priced_model VARCHAR,        -- NULL: the catalogue knows no such model
    model_developer VARCHAR,
    token_family VARCHAR NOT NULL
);

CREATE VIEW ledger.current_cards AS
SELECT *
FROM ledger.rate_cards
QUALIFY edition = max(edition) OVER (PARTITION BY source, provider, model);

-- One price a row, for people.
CREATE VIEW ledger.rates AS
SELECT
    cards.* EXCLUDE (unit_prices, fine_prices, minimums, priced_as, rate),
    rate.key AS usage_class,
    rate.value AS unit_price,
    cards.fine_prices[rate.key] AS fine_price,
    cards.minimums[rate.key] AS minimum,
    cards.priced_as[rate.key] AS priced_as
FROM (SELECT *, unnest(map_entries(unit_prices)) AS rate FROM ledger.rate_cards) AS cards;

-- One charge, rounded once, half up, to 12 decimals. A whole quantity times 12 decimals needs no rounding, and so no division
-- of 128-bit integers, which is fifty times slower: nearly every count takes that way. The 20 digits are there because a product
-- of two decimals of up to 18 digits is kept in 18, and overflows.
CREATE MACRO ledger.charge(quantity, unit_price, fine_price) AS
CASE
    WHEN fine_price IS NOT NULL THEN (quantity::DECIMAL(18, 6) * fine_price)::DECIMAL(26, 12)
    WHEN quantity::DECIMAL(18, 6)::DECIMAL(12, 0) = quantity::DECIMAL(18, 6)
        THEN (quantity::DECIMAL(18, 6)::DECIMAL(20, 0) * unit_price)::DECIMAL(26, 12)
    ELSE (quantity::DECIMAL(18, 6) * unit_price)::DECIMAL(26, 12)
END;

CREATE MACRO ledger.billed_quantity(quantity, minimum) AS
CASE WHEN quantity > 0 THEN greatest(quantity, minimum) ELSE quantity END;

-- The usage that is charged: with one request, where the card charges each call and the response counts none.
CREATE MACRO ledger.with_call_fee(usage, per_call) AS
CASE WHEN per_call THEN map_concat(MAP {'requests': 1::DECIMAL(24, 6)}, usage) ELSE usage END;

-- A call's charges, in the order of its usage; NULL where the card has no price. Ingest sums this list, and the charges of a
-- call are this list, so that the two cannot differ.
CREATE MACRO ledger.charges(usage, unit_prices, fine_prices, minimums) AS
CASE
    WHEN fine_prices IS NULL AND minimums IS NULL
        THEN list_transform(map_entries(usage), lambda e: ledger.charge(e.value, unit_prices[e.key], NULL::DECIMAL(27, 24)))
    ELSE list_transform(map_entries(usage), lambda e: ledger.charge(
        ledger.billed_quantity(e.value, minimums[e.key]), unit_prices[e.key], fine_prices[e.key]
    ))
END;

-- The charges of a relation's calls, one row per call and class. The relation has the columns id, started_at, usage (as billed:
-- estimates included) and rate_card_id. A class without a price has NULL costs, and so has a call without a card; a cost that
-- only the provider stated (price_status 'reported') has no lines of its own here.
CREATE MACRO ledger.usage_lines(relation) AS TABLE
WITH carded AS (
    SELECT
        calls.id, calls.started_at, calls.rate_card_id, cards.currency,
        ledger.with_call_fee(calls.usage, cards.per_call) AS usage,
        cards.unit_prices, cards.fine_prices, cards.minimums, cards.priced_as
    FROM query_table(relation) AS calls
    LEFT JOIN ledger.rate_cards AS cards ON cards.rate_card_id = calls.rate_card_id
),
lines AS (
    SELECT
        * EXCLUDE (usage, minimums),
        unnest(map_entries(usage)) AS line,
        unnest(ledger.charges(usage, unit_prices, fine_prices, minimums)) AS charge
    FROM carded
)
SELECT
    id AS call_id,
    started_at,
    line.key AS usage_class,
    line.value AS quantity,
    coalesce(fine_prices[line.key], unit_prices[line.key]::DECIMAL(27, 24)) AS unit_price,
    priced_as[line.key] AS priced_as,
    charge AS list_cost,
    charge AS contracted_cost, -- contract rules apply here, as they do at ingest
    charge AS effective_cost,
    coalesce(currency, 'USD') AS list_currency,
    coalesce(currency, 'USD') AS currency,
    rate_card_id,
    NULL::INTEGER AS contract_rule_id
FROM lines;

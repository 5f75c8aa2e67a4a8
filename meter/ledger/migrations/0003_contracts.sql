-- Negotiated prices, currencies, and what was priced anew.

-- What meter.toml said of contracts, aliases and currencies, each time that it said something else.
CREATE TABLE ledger.configurations (
    edition INTEGER NOT NULL,
    digest VARCHAR NOT NULL,
    content VARCHAR NOT NULL,    -- JSON: the sections, as written
    path VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);

-- One contract of [contracts]. Rows are only ever added: a contract that changes is a new row, and the old one says until when it
-- was known. Patterns are in lower case, with * and ?; NULL means any. Dates are half-open.
CREATE TABLE ledger.contract_rules (
    contract_rule_id INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    provider VARCHAR,            -- OpenTelemetry's name
    account VARCHAR,
    server VARCHAR,
    deployment VARCHAR,
    model VARCHAR,
    tier VARCHAR,
    region VARCHAR,
    usage_classes VARCHAR[],
    valid_from TIMESTAMPTZ,
    valid_to TIMESTAMPTZ,
    currency VARCHAR NOT NULL,   -- of every amount below
    multiplier DECIMAL(18, 12),  -- × list price
    prices MAP(VARCHAR, DECIMAL(38, 24)), -- per single unit
    -- By the month, never per call:
    volume_by VARCHAR,           -- spend or tokens
    volume_method VARCHAR,       -- graduated or all_units
    volume_period VARCHAR,       -- month: from zero each month; term: over the whole contract
    volume_tiers STRUCT("over" DECIMAL(26, 12), multiplier DECIMAL(18, 12))[],
    commitment DECIMAL(26, 12),       -- how much usage was committed to, at contracted prices
    commitment_price DECIMAL(26, 12), -- what was paid for it; equals it without a discount
    fee DECIMAL(26, 12),
    fee_per VARCHAR,             -- hour, month or once
    fee_quantity DECIMAL(18, 6), -- units, seats, GPUs
    fee_spread BOOLEAN NOT NULL, -- over the calls that the contract matches, by their tokens
    definition VARCHAR NOT NULL, -- JSON, as written
    recorded_at TIMESTAMPTZ NOT NULL,
    superseded_at TIMESTAMPTZ    -- NULL: in force
);

-- A contract's prices are rate cards too: made for each offer and set of contracts that calls met. They name every class,
-- those that no contract changes included.
ALTER TABLE ledger.rate_cards ADD COLUMN contract_rules MAP(VARCHAR, INTEGER); -- NULL: a public card; else the rule of each class that one prices
ALTER TABLE ledger.rate_cards ADD COLUMN contract_rule_id INTEGER; -- the rule, where there is only one
ALTER TABLE ledger.rate_cards ADD COLUMN terms INTEGER[];          -- every contract that such calls are under, those by the month included
ALTER TABLE ledger.rate_cards ADD COLUMN public_card_id INTEGER;   -- the public card that it was made from; NULL: there is none

CREATE OR REPLACE VIEW ledger.current_cards AS
SELECT *
FROM ledger.rate_cards
WHERE contract_rules IS NULL
QUALIFY edition = max(edition) OVER (PARTITION BY source, provider, model);

CREATE OR REPLACE VIEW ledger.rates AS
SELECT
    cards.* EXCLUDE (unit_prices, fine_prices, minimums, priced_as, contract_rules, contract_rule_id, terms, public_card_id, rate),
    rate.key AS usage_class,
    rate.value AS unit_price,
    cards.fine_prices[rate.key] AS fine_price,
    cards.minimums[rate.key] AS minimum,
    cards.priced_as[rate.key] AS priced_as,
    cards.contract_rules[rate.key] AS contract_rule_id
FROM (SELECT *, unnest(map_entries(unit_prices)) AS rate FROM ledger.rate_cards) AS cards;

ALTER TABLE ledger.calls ADD COLUMN contract_card_id INTEGER;  -- NULL: no contract; its prices are the public ones
ALTER TABLE ledger.calls ADD COLUMN reported_usage VARCHAR;    -- JSON: what was reported of classes whose place an estimate took,
ALTER TABLE ledger.calls ADD COLUMN reported_source VARCHAR;   -- and how much of it: missing or partial. A repricing starts there

-- Remembered answers depend on account and deployment, too; they are asked again.
DROP TABLE ledger.model_matches;
CREATE TABLE ledger.model_matches (
    match_id INTEGER NOT NULL,
    provider VARCHAR,
    server VARCHAR,
    account VARCHAR,             -- NULL unless a contract depends on it
    deployment VARCHAR,          -- NULL unless a contract or an alias depends on it
    response_model VARCHAR,
    request_model VARCHAR,
    tier VARCHAR,
    requested_tier VARCHAR,
    region VARCHAR,
    price_context VARCHAR,       -- JSON: what of the call's context a price may depend on
    offer_id INTEGER,            -- NULL: no public price under these conditions
    contract_offer_id INTEGER,   -- NULL: no contract
    has_bands BOOLEAN NOT NULL,  -- whether a price depends on the length of the input
    priced_model VARCHAR,        -- NULL: neither the catalogue nor a contract knows such a model
    model_developer VARCHAR,
    token_family VARCHAR NOT NULL
);

-- How much one unit of a currency is worth in another, from a day on. Rows are only ever added: the newest edition holds.
CREATE TABLE ledger.exchange_rates (
    edition INTEGER NOT NULL,
    from_currency VARCHAR NOT NULL,
    to_currency VARCHAR NOT NULL,
    valid_from DATE NOT NULL,
    rate DECIMAL(28, 12) NOT NULL,
    source VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);

-- What currency an account is invoiced in.
CREATE TABLE ledger.billing_currencies (
    edition INTEGER NOT NULL,
    provider VARCHAR,
    account VARCHAR,             -- pattern; NULL: any
    currency VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);

-- Months that are not open. A month without a row is open.
CREATE TABLE ledger.periods (
    month DATE NOT NULL,
    state VARCHAR NOT NULL,      -- open, in_review or closed
    changed_at TIMESTAMPTZ NOT NULL,
    changed_by VARCHAR NOT NULL,
    reason VARCHAR
);

-- Who priced what anew, when and why.
CREATE TABLE ledger.revisions (
    revision_id INTEGER NOT NULL,
    kind VARCHAR NOT NULL,       -- reprice
    made_at TIMESTAMPTZ NOT NULL,
    made_by VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    until TIMESTAMPTZ NOT NULL,
    filters VARCHAR NOT NULL,    -- JSON: what else chose the calls
    calls BIGINT NOT NULL        -- changed
);

-- What a revision changed, by group of calls: cards and costs before and after. Summed costs are of priced calls.
CREATE TABLE ledger.revised (
    revision_id INTEGER NOT NULL,
    month DATE NOT NULL,
    provider VARCHAR,
    request_model VARCHAR,
    response_model VARCHAR,
    tag_set_id INTEGER,
    old_rate_card_id INTEGER,
    new_rate_card_id INTEGER,
    old_contract_card_id INTEGER,
    new_contract_card_id INTEGER,
    old_price_status VARCHAR,
    new_price_status VARCHAR,
    old_currency VARCHAR,
    new_currency VARCHAR,
    old_list_currency VARCHAR,
    new_list_currency VARCHAR,
    calls BIGINT NOT NULL,
    old_list_cost DECIMAL(38, 12),
    new_list_cost DECIMAL(38, 12),
    old_contracted_cost DECIMAL(38, 12),
    new_contracted_cost DECIMAL(38, 12),
    old_effective_cost DECIMAL(38, 12),
    new_effective_cost DECIMAL(38, 12)
);

-- Amounts that were booked: corrections of a month that is closed, in a month that is open. What follows from contracts by the
-- month is computed, not stored: see the view `adjustments`.
CREATE TABLE ledger.adjustments (
    adjustment_id INTEGER NOT NULL,
    month DATE NOT NULL,         -- the open month that carries it
    for_month DATE NOT NULL,     -- the month that it corrects
    provider VARCHAR,
    account VARCHAR,
    model VARCHAR,
    tag_set_id INTEGER,
    kind VARCHAR NOT NULL,       -- correction
    amount DECIMAL(26, 12) NOT NULL,
    currency VARCHAR NOT NULL,
    revision_id INTEGER,
    reason VARCHAR NOT NULL,
    made_by VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);

-- Seconds since midnight in UTC, of moments before 1970 too: prices may depend on the hour.
CREATE MACRO ledger.second_of_day(moment) AS ((epoch_us(moment) % 86400000000) + 86400000000) % 86400000000 // 1000000;

-- One charge, rounded once, half up, to 12 decimals. A whole quantity times 12 decimals needs no rounding, and so no division
-- of 128-bit integers, which is fifty times slower: nearly every count takes that way. The 20 digits are there because a product
-- of two decimals of up to 18 digits is kept in 18, and overflows. A price of 24 decimals is multiplied in two parts, since
-- the product in one would overflow beyond 8 digits. A charge that does not fit is unknown: NULL, never a batch that fails.
CREATE OR REPLACE MACRO ledger.charge(quantity, unit_price, fine_price) AS
CASE
    WHEN fine_price IS NOT NULL THEN TRY_CAST(
        TRY_CAST(quantity::DECIMAL(18, 6) * unit_price AS DECIMAL(38, 24))
        + (quantity::DECIMAL(18, 6) * (fine_price - unit_price)::DECIMAL(24, 24))::DECIMAL(38, 24)
        AS DECIMAL(26, 12))
    WHEN quantity::DECIMAL(18, 6)::DECIMAL(12, 0) = quantity::DECIMAL(18, 6)
        THEN TRY_CAST(quantity::DECIMAL(18, 6)::DECIMAL(20, 0) * unit_price AS DECIMAL(26, 12))
    ELSE TRY_CAST(quantity::DECIMAL(18, 6) * unit_price AS DECIMAL(26, 12))
END;

-- The charges of a relation's calls, one row per call and class. The relation has the columns id, started_at, usage (as billed:
-- estimates included), rate_card_id and contract_card_id. A class without a price has NULL costs, and so has a call without a
-- card; a cost that only the provider stated (price_status 'reported') has no lines of its own here.
CREATE OR REPLACE MACRO ledger.usage_lines(relation) AS TABLE
WITH carded AS (
    SELECT
        calls.id, calls.started_at, calls.rate_card_id,
        ledger.with_call_fee(calls.usage, coalesce(cards.per_call, false) OR coalesce(contracts.per_call, false)) AS usage,
        cards.currency AS list_currency,
        cards.unit_prices, cards.fine_prices, cards.minimums, cards.priced_as,
        contracts.rate_card_id IS NOT NULL AS has_contract,
        contracts.currency AS contract_currency,
        contracts.unit_prices AS contract_prices,
        contracts.fine_prices AS fine_contract_prices,
        contracts.minimums AS contract_minimums,
        contracts.priced_as AS contract_priced_as,
        contracts.contract_rules
    FROM query_table(relation) AS calls
    LEFT JOIN ledger.rate_cards AS cards ON cards.rate_card_id = calls.rate_card_id
    LEFT JOIN ledger.rate_cards AS contracts ON contracts.rate_card_id = calls.contract_card_id
),
lines AS (
    SELECT
        * EXCLUDE (usage, minimums, contract_minimums),
        unnest(map_entries(usage)) AS line,
        unnest(ledger.charges(usage, unit_prices, fine_prices, minimums)) AS list_charge,
        CASE WHEN has_contract
            THEN unnest(ledger.charges(usage, contract_prices, fine_contract_prices, contract_minimums))
        END AS contract_charge
    FROM carded
)
SELECT
    id AS call_id,
    started_at,
    line.key AS usage_class,
    line.value AS quantity,
    coalesce(fine_prices[line.key], unit_prices[line.key]::DECIMAL(27, 24)) AS unit_price,
    CASE WHEN has_contract
        THEN coalesce(fine_contract_prices[line.key], contract_prices[line.key]::DECIMAL(27, 24))
        ELSE coalesce(fine_prices[line.key], unit_prices[line.key]::DECIMAL(27, 24))
    END AS contracted_unit_price,
    CASE WHEN has_contract THEN contract_priced_as[line.key] ELSE priced_as[line.key] END AS priced_as,
    list_charge AS list_cost,
    CASE WHEN has_contract THEN contract_charge ELSE list_charge END AS contracted_cost,
    CASE WHEN has_contract THEN contract_charge ELSE list_charge END AS effective_cost,
    coalesce(list_currency, 'USD') AS list_currency,
    coalesce(contract_currency, list_currency, 'USD') AS currency,
    rate_card_id,
    contract_rules[line.key] AS contract_rule_id
FROM lines;

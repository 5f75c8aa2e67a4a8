-- What services recorded, how far their spool was read, and what could not be read.

-- One row per call. Facts never change. Below them stands what is derived, and only a recorded revision rewrites that.
--
-- Order and types are chosen for size: a column of NULLs takes no room, and a narrow range few bits. Hence the usage classes that
-- most calls have stand in columns of their own and all others in `other_usage`, and a cost is written down once: contracted and
-- effective cost only where they differ from the cost before them. What is a map to readers of the views is JSON here, with text
-- as values: each small append of a map writes up to 2,047 earlier ones into the WAL again. Read the view `calls`, or
-- `ledger.billed_usage`.
CREATE TABLE ledger.calls (
    id UUID NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    duration_us BIGINT,
    first_token_us BIGINT,
    service VARCHAR,
    host VARCHAR,
    pid BIGINT,
    provider VARCHAR,
    server_address VARCHAR,
    operation VARCHAR,
    api VARCHAR,
    request_model VARCHAR,
    response_model VARCHAR,
    service_tier VARCHAR,      -- as served
    requested_tier VARCHAR,
    account VARCHAR,
    project VARCHAR,
    key_id VARCHAR,
    region VARCHAR,
    deployment VARCHAR,
    context VARCHAR,           -- JSON
    status VARCHAR,
    error_type VARCHAR,
    attempts BIGINT,
    billed BOOLEAN,            -- whether a call that failed may have been billed
    parent_id UUID,
    stream BOOLEAN,
    chunks BIGINT,
    sent_chars BIGINT,
    seen_chars BIGINT,
    reported_cost DECIMAL(26, 12),
    reported_currency VARCHAR,
    response_id VARCHAR,
    trace_id UUID,
    span_id UBIGINT,

    -- What is billed: as reported, and estimated where `estimated_usage` says so. Absent is unknown, 0 a measured zero.
    input BIGINT,
    cache_read BIGINT,
    cache_write BIGINT,        -- of another or unknown time to live
    cache_write_5m BIGINT,
    cache_write_1h BIGINT,
    input_audio BIGINT,
    other_input BIGINT,        -- sum of the input classes in other_usage
    output BIGINT,
    reasoning BIGINT,
    output_audio BIGINT,
    other_output BIGINT,
    other_usage VARCHAR,       -- JSON
    estimated_usage VARCHAR,   -- JSON
    usage_source VARCHAR,

    -- Derived.
    tag_set_id INTEGER,
    priced_model VARCHAR,
    model_developer VARCHAR,
    list_cost DECIMAL(26, 12),
    list_currency VARCHAR,
    contracted_cost_if_other DECIMAL(26, 12), -- NULL: as list_cost
    effective_cost_if_other DECIMAL(26, 12),  -- NULL: as contracted
    currency VARCHAR,
    price_status VARCHAR NOT NULL,
    rate_card_id INTEGER,
    contract_rule_id INTEGER,
    estimate_low DECIMAL(26, 12),
    estimate_high DECIMAL(26, 12)
);

-- The provider's usage object of a call, verbatim, so that a wrong reading can be redone. Apart from the calls, since it is as long
-- as all the rest, is seldom asked for and may be given up after a while; and since zstd, which makes a third of it, takes 5 bytes
-- a row for a column of NULLs.
CREATE TABLE ledger.raw_usage (
    id UUID NOT NULL,
    raw VARCHAR NOT NULL USING COMPRESSION zstd
);

-- Each distinct set of tags once. A set is found by its hash and its canonical text together, so two sets that hash alike stay two.
-- The id is a running number: the hash itself, which no column compresses, would take 8 bytes a call.
CREATE TABLE ledger.tag_sets (
    tag_set_id INTEGER NOT NULL,
    hash UBIGINT NOT NULL,      -- first 64 bits of the MD5 of `canonical`
    canonical VARCHAR NOT NULL, -- JSON, keys sorted, without blanks
    tags MAP(VARCHAR, VARCHAR) NOT NULL
);

CREATE TABLE ledger.outcomes (
    id UUID NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    name VARCHAR NOT NULL,
    value DECIMAL(26, 12),
    currency VARCHAR,
    quantity DECIMAL(26, 12) NOT NULL,
    service VARCHAR,
    host VARCHAR,
    pid BIGINT,
    trace_id UUID,
    span_id UBIGINT,
    tag_set_id INTEGER
);

-- A segment's first line: who writes it, with which versions, and the state of each hook.
CREATE TABLE ledger.processes (
    id UUID NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    segment VARCHAR,            -- NULL for one that stands elsewhere than at the beginning
    service VARCHAR,
    host VARCHAR,
    pid BIGINT,
    python VARCHAR,
    meter VARCHAR,
    sdks JSON,
    hooks JSON
);

-- How far each segment was read. The row stays for a day after its file is gone; for good, if its writer could not write something
-- or a step failed.
CREATE TABLE ledger.checkpoints (
    segment VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    pid BIGINT,
    host VARCHAR,
    started_at TIMESTAMPTZ,
    lost BIGINT NOT NULL,
    lost_bytes BIGINT NOT NULL,
    failures JSON NOT NULL,     -- {step: count}
    updated_at TIMESTAMPTZ NOT NULL
);

-- Lines that cannot be read, with place and reason. `excerpt` is their beginning.
CREATE TABLE ledger.dead_letters (
    segment VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    size BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    excerpt BLOB NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);

-- One row: everything that was ever read. lines = calls + outcomes + processes + dead_letters + duplicates.
CREATE TABLE ledger.ingested (
    lines BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    outcomes BIGINT NOT NULL,
    processes BIGINT NOT NULL,
    dead_letters BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    last_at TIMESTAMPTZ
);
INSERT INTO ledger.ingested VALUES (0, 0, 0, 0, 0, 0, 0, NULL);

-- Which texts the public views in `main` were made from; they are made anew when a Meter brings others.
CREATE TABLE ledger.view_digests (digest VARCHAR NOT NULL);

-- What is billed for each call as one map: the relation that `ledger.usage_lines` takes.
CREATE VIEW ledger.billed_usage AS
SELECT
    id,
    started_at,
    rate_card_id,
    map_concat(
        CASE WHEN input IS NOT NULL THEN MAP {'input': input::DECIMAL(24, 6)} END,
        CASE WHEN cache_read IS NOT NULL THEN MAP {'cache_read': cache_read::DECIMAL(24, 6)} END,
        CASE WHEN cache_write IS NOT NULL THEN MAP {'cache_write': cache_write::DECIMAL(24, 6)} END,
        CASE WHEN cache_write_5m IS NOT NULL THEN MAP {'cache_write_5m': cache_write_5m::DECIMAL(24, 6)} END,
        CASE WHEN cache_write_1h IS NOT NULL THEN MAP {'cache_write_1h': cache_write_1h::DECIMAL(24, 6)} END,
        CASE WHEN input_audio IS NOT NULL THEN MAP {'input_audio': input_audio::DECIMAL(24, 6)} END,
        CASE WHEN output IS NOT NULL THEN MAP {'output': output::DECIMAL(24, 6)} END,
        CASE WHEN reasoning IS NOT NULL THEN MAP {'reasoning': reasoning::DECIMAL(24, 6)} END,
        CASE WHEN output_audio IS NOT NULL THEN MAP {'output_audio': output_audio::DECIMAL(24, 6)} END,
        other_usage::JSON::MAP(VARCHAR, DECIMAL(24, 6))
    ) AS usage
FROM ledger.calls;

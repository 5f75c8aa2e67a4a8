-- Months that were moved out of this file, into one Parquet file each, and chores that are done now and then.

-- `state` says where a month's calls are, so that one who was killed half-way is undone by the next:
--   writing   still in ledger.calls; the file is being made, and is of no use yet
--   cold      in the file alone
--   leaving   in ledger.calls again; the file can go
-- The sums are what the file must hold: of a column of costs as stored, to the last digit.
CREATE TABLE ledger.cold_months (
    month DATE NOT NULL,         -- its first day,
    starts_at TIMESTAMPTZ NOT NULL, -- and its bounds in the time zone of that moment: inclusive,
    ends_at TIMESTAMPTZ NOT NULL,   -- and exclusive
    state VARCHAR NOT NULL,
    path VARCHAR NOT NULL,       -- a relative one starts at the ledger's folder
    bytes BIGINT,
    calls BIGINT,
    min_id UUID,
    max_id UUID,
    sums MAP(VARCHAR, DECIMAL(38, 12)),
    effective_cost MAP(VARCHAR, DECIMAL(38, 12)), -- by currency, for people
    moved_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE ledger.chores (
    name VARCHAR NOT NULL,
    done_at TIMESTAMPTZ NOT NULL
);

-- All calls, wherever they are. Both views are made anew with the public views, and when a month moves: see meter/ledger/cold.py.
CREATE VIEW ledger.all_calls AS FROM ledger.calls;
CREATE VIEW ledger.all_raw_usage AS FROM ledger.raw_usage;

-- What is billed for each call as one map: the relation that `ledger.usage_lines` takes.
CREATE OR REPLACE VIEW ledger.billed_usage AS
SELECT
    id,
    started_at,
    rate_card_id,
    contract_card_id,
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
FROM ledger.all_calls;

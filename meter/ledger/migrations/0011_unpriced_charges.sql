-- A call that is unpriced keeps the contract it is under, for what contracts settle by the month; its charges have no cost, not
-- even 0 for a class that was measured as zero.
CREATE OR REPLACE VIEW ledger.billed_usage AS
SELECT
    id,
    started_at,
    rate_card_id,
    CASE WHEN price_status IN ('priced', 'free', 'partial') THEN contract_card_id END AS contract_card_id,
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

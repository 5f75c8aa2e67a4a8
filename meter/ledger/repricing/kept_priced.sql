-- They take the place of what they were priced as by an estimate of today, whose bounds hold as far as they include them.
CREATE OR REPLACE TEMP TABLE reprice_estimated AS
SELECT * FROM reprice_estimated WHERE id NOT IN (SELECT id FROM reprice_kept)
UNION ALL BY NAME
SELECT
    kept.* REPLACE (
        today.usage_source AS usage_source,
        CASE
            WHEN kept.price_status = 'reported' THEN kept.effective_cost
            WHEN kept.effective_cost IS NOT NULL THEN least(today.estimate_low, kept.effective_cost)
        END AS estimate_low,
        CASE
            WHEN kept.price_status = 'reported' THEN kept.effective_cost
            WHEN kept.effective_cost IS NOT NULL THEN greatest(today.estimate_high, kept.effective_cost)
        END AS estimate_high
    )
FROM priced AS kept
JOIN reprice_estimated AS today ON today.id = kept.id

-- The estimated calls take the place of what they were priced as without an estimate.
--
-- low <= likely <= high, or none of them is known. A cost that the provider stated is no estimate, whatever the tokens: it bounds
-- itself, and says nothing of a bound whose charges are known; where it stands for charges that there are not, these come to 0.
DELETE FROM priced WHERE id IN (SELECT id.call FROM price_cut);

INSERT INTO priced BY NAME
SELECT
    likely.* REPLACE (
        likely.id.call AS id,
        'estimated' AS usage_source,
        cut.estimated_usage AS estimated_usage,
        cut.reported_usage AS reported_usage,
        CASE
            WHEN likely.price_status = 'reported' THEN likely.effective_cost
            WHEN likely.effective_cost IS NOT NULL
                THEN least(CASE WHEN low.price_status = 'reported' THEN 0 ELSE coalesce(low.effective_cost, 0) END, likely.effective_cost)
        END AS estimate_low,
        CASE
            WHEN likely.price_status = 'reported' THEN likely.effective_cost
            WHEN likely.effective_cost IS NOT NULL THEN greatest(high.effective_cost, likely.effective_cost)
        END AS estimate_high
    )
FROM price_cut_priced AS likely
JOIN price_cut AS cut ON cut.id = likely.id
JOIN price_cut_priced AS low ON low.id = {'call': likely.id.call, 'bound': 'low'}
JOIN price_cut_priced AS high ON high.id = {'call': likely.id.call, 'bound': 'high'}
WHERE likely.id.bound = 'likely'

-- The estimated calls take the place of what they were priced as without an estimate.
DELETE FROM priced WHERE id IN (SELECT id.call FROM price_cut);

INSERT INTO priced BY NAME
SELECT
    likely.* REPLACE (
        likely.id.call AS id,
        'estimated' AS usage_source,
        cut.estimated_usage AS estimated_usage,
        low.list_cost AS estimate_low,
        high.list_cost AS estimate_high
    )
FROM price_cut_priced AS likely
JOIN price_cut AS cut ON cut.id = likely.id
JOIN price_cut_priced AS low ON low.id = {'call': likely.id.call, 'bound': 'low'}
JOIN price_cut_priced AS high ON high.id = {'call': likely.id.call, 'bound': 'high'}
WHERE likely.id.bound = 'likely'

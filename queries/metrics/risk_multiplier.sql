-- name: meter.provider.risk_multiplier
-- unit: 1
-- kind: gauge
-- help: How many times its price a provider needs to break even, from the claim about its margin that is in force; 1 if it earns.
-- attributes: gen_ai.provider.name, scenario
-- value: value
-- param: multipliers json = list of provider, scenario, multiplier: the claims in force
SELECT claim.provider AS "gen_ai.provider.name", claim.scenario AS scenario, claim.multiplier AS value
FROM (
    SELECT unnest(from_json($multipliers, '[{"provider": "VARCHAR", "scenario": "VARCHAR", "multiplier": "DECIMAL(12,6)"}]')) AS claim
)

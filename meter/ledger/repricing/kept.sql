-- Estimated calls whose tokens would be estimated otherwise today: by a newer ratio, or since their model is known better now.
CREATE OR REPLACE TEMP TABLE reprice_kept AS
SELECT calls.id, calls.row_number
FROM reprice_slice AS calls
JOIN reprice_priced AS priced ON priced.id = calls.id
WHERE
    calls.usage_source = 'estimated'
    AND coalesce(priced.estimated_usage, MAP {{}}::{map})
        IS DISTINCT FROM coalesce(calls.estimated_usage::JSON::{map}, MAP {{}}::{map})

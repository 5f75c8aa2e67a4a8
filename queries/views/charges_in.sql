-- title: Charges in one currency
-- about: The charges with their costs at the exchange rate of each call's day; a call's cost is exactly the sum of its charges here, too.
-- param: target text? = the currency, as in FROM charges_in('EUR'); NULL leaves each amount in its own
-- needs: charges
WITH dated AS (
    SELECT
        charges.*,
        $target IS NULL OR upper(charges.currency) = upper($target) AS is_own,
        $target IS NULL OR upper(charges.list_currency) = upper($target) AS is_own_list,
        CASE WHEN $target IS NOT NULL THEN ledger.local_day(started_at) END AS day
    FROM charges
),

rates AS (
    SELECT * FROM ledger.daily_rates WHERE to_currency = upper($target)
)

SELECT
    dated.* EXCLUDE (is_own, is_own_list, day) REPLACE (
        ledger.converted(list_cost, CASE WHEN is_own_list THEN 1 ELSE list_rates.rate END) AS list_cost,
        CASE WHEN list_currency IS NOT NULL THEN coalesce(upper($target), list_currency) END AS list_currency,
        ledger.converted(contracted_cost, CASE WHEN is_own THEN 1 ELSE rates.rate END) AS contracted_cost,
        ledger.converted(effective_cost, CASE WHEN is_own THEN 1 ELSE rates.rate END) AS effective_cost,
        CASE WHEN currency IS NOT NULL THEN coalesce(upper($target), currency) END AS currency
    )
FROM dated
LEFT JOIN rates ON rates.from_currency = upper(dated.currency) AND rates.day = dated.day
LEFT JOIN rates AS list_rates ON list_rates.from_currency = upper(dated.list_currency) AND list_rates.day = dated.day

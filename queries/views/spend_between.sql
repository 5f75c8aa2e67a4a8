-- title: Spend between two moments
-- about: Calls, tokens and costs by day, service, provider, models and price status: quick over years, since days are summed up beforehand.
-- param: target text? = the currency, as in calls_in; NULL leaves each amount in its own
-- param: since timestamptz = start of the period
-- param: until timestamptz = end of the period, exclusive
-- Whole days come from their sums, the hours at both ends from the calls. A cost at the rate of its day is the same whether it is
-- converted for each call or for all calls of the day: amounts have 24 decimals here, and nothing is rounded.
WITH spent AS (
    SELECT *
    FROM ledger.all_days
    WHERE day >= ledger.first_whole_day($since) AND day < ledger.end_of_whole_days($until)
    UNION ALL BY NAME
    SELECT * EXCLUDE (id, started_at)
    FROM ledger.call_days('ledger.all_calls')
    WHERE
        started_at >= $since AND started_at < $until
        AND (started_at < ledger.rest_ends($since) OR started_at >= ledger.rest_begins($until))
        AND NOT (day >= ledger.first_whole_day($since) AND day < ledger.end_of_whole_days($until))
),

dated AS (
    SELECT
        *,
        $target IS NULL OR upper(currency) = upper($target) AS is_own,
        $target IS NULL OR upper(list_currency) = upper($target) AS is_own_list
    FROM spent
),

rates AS (
    SELECT * FROM ledger.daily_rates WHERE to_currency = upper($target)
)

SELECT
    dated.* EXCLUDE (is_own, is_own_list) REPLACE (
        ledger.converted(list_cost, CASE WHEN is_own_list THEN 1 ELSE list_rates.rate END) AS list_cost,
        CASE WHEN list_currency IS NOT NULL THEN coalesce(upper($target), list_currency) END AS list_currency,
        ledger.converted(contracted_cost, CASE WHEN is_own THEN 1 ELSE rates.rate END) AS contracted_cost,
        ledger.converted(effective_cost, CASE WHEN is_own THEN 1 ELSE rates.rate END) AS effective_cost,
        CASE WHEN currency IS NOT NULL THEN coalesce(upper($target), currency) END AS currency,
        CASE
            WHEN effective_cost IS NOT NULL AND ledger.converted(effective_cost, CASE WHEN is_own THEN 1 ELSE rates.rate END) IS NULL
                THEN 'unconverted'
            ELSE price_status
        END AS price_status
    )
FROM dated
LEFT JOIN rates ON rates.from_currency = upper(dated.currency) AND rates.day = dated.day
LEFT JOIN rates AS list_rates ON list_rates.from_currency = upper(dated.list_currency) AND list_rates.day = dated.day

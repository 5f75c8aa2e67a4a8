-- title: Calls in one currency
-- about: The calls with their costs at the exchange rate of each call's day; without a rate a cost is unknown, and price_status unconverted.
-- param: target text? = the currency, as in FROM calls_in('EUR'); NULL leaves each amount in its own
-- needs: calls
-- Amounts have 24 decimals here: a cost times a rate is kept whole, so every grouping of them ties out to the last digit. Without a
-- currency nothing is looked up; DuckDB knows beforehand which of the two halves stays empty.
WITH dated AS (
    SELECT
        calls.*,
        upper(calls.currency) = upper($target) AS is_own,
        upper(calls.list_currency) = upper($target) AS is_own_list,
        ledger.local_day(started_at) AS day
    FROM calls
    WHERE $target IS NOT NULL
),

rates AS (
    SELECT * FROM ledger.daily_rates WHERE to_currency = upper($target)
),

converted AS (
    SELECT
        dated.* EXCLUDE (is_own, is_own_list, day) REPLACE (
            ledger.converted(estimate_low, CASE WHEN is_own THEN 1 ELSE rates.rate END) AS estimate_low,
            ledger.converted(estimate_high, CASE WHEN is_own THEN 1 ELSE rates.rate END) AS estimate_high,
            ledger.converted(list_cost, CASE WHEN is_own_list THEN 1 ELSE list_rates.rate END) AS list_cost,
            CASE WHEN list_currency IS NOT NULL THEN upper($target) END AS list_currency,
            ledger.converted(contracted_cost, CASE WHEN is_own THEN 1 ELSE rates.rate END) AS contracted_cost,
            ledger.converted(effective_cost, CASE WHEN is_own THEN 1 ELSE rates.rate END) AS effective_cost,
            CASE WHEN currency IS NOT NULL THEN upper($target) END AS currency,
            CASE
                WHEN effective_cost IS NOT NULL AND ledger.converted(effective_cost, CASE WHEN is_own THEN 1 ELSE rates.rate END) IS NULL
                    THEN 'unconverted'
                ELSE price_status
            END AS price_status
        ),
        effective_cost AS own_cost,
        currency AS own_currency,
        CASE WHEN NOT is_own THEN rates.rate END AS exchange_rate,
        CASE WHEN NOT is_own THEN rates.valid_from END AS exchange_rate_from,
        CASE WHEN NOT is_own THEN rates.source END AS exchange_rate_source
    FROM dated
    LEFT JOIN rates ON rates.from_currency = upper(dated.currency) AND rates.day = dated.day
    LEFT JOIN rates AS list_rates ON list_rates.from_currency = upper(dated.list_currency) AND list_rates.day = dated.day
)

FROM converted
UNION ALL BY NAME
SELECT *, effective_cost AS own_cost, currency AS own_currency
FROM calls
WHERE $target IS NULL

-- What closed months would cost more or less, less what earlier corrections booked of that: what is left to book. Whole months
-- only: of a part of one nobody could tell how much of it is booked. (In a month that is not whole, nothing counts as booked.)
CREATE OR REPLACE TEMP TABLE reprice_owed AS
WITH closed AS (
    SELECT
        month,
        month::TIMESTAMP AT TIME ZONE current_setting('TimeZone') >= {since}::TIMESTAMPTZ
        AND (month + INTERVAL 1 MONTH)::TIMESTAMP AT TIME ZONE current_setting('TimeZone') <= {until}::TIMESTAMPTZ AS is_whole
    FROM reprice_closed
),
amounts AS (
    SELECT month, provider, account, coalesce(response_model, request_model) AS model, tag_set_id, calls,
        unnest([
            {{'currency': old_currency, 'amount': -old_effective_cost}}, {{'currency': new_currency, 'amount': new_effective_cost}}
        ], recursive := true)
    FROM reprice_groups
    WHERE is_closed
    UNION ALL
    SELECT for_month, provider, account, model, tag_set_id, 0, currency, -amount
    FROM ledger.adjustments
    WHERE
        kind = 'correction' AND revision_id IS NOT NULL AND for_month IN (SELECT month FROM closed WHERE is_whole)
        AND {condition}
)
SELECT
    amounts.month, closed.is_whole, provider, account, model, tag_set_id, currency, sum(amount)::DECIMAL(26, 12) AS amount
FROM amounts
JOIN closed ON closed.month = amounts.month
WHERE amount IS NOT NULL
GROUP BY ALL
HAVING sum(amount) <> 0

-- title: Adjustments by the month
-- about: What contracts and corrections add to the price of calls, or take off it, in the months that the period touches.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- needs: adjustments
SELECT
    strftime(month, '%Y-%m') AS month,
    kind,
    contract,
    provider,
    account,
    quantity,
    unit,
    amount,
    currency,
    uncounted_calls,
    description
FROM adjustments
WHERE month >= date_trunc('month', $from AT TIME ZONE current_setting('TimeZone'))
    AND month < $to AT TIME ZONE current_setting('TimeZone')
ORDER BY adjustments.month, kind, contract, description

-- title: Chargeback by cost centre
-- about: What each cost centre (tag cost_center, else team) owes, by provider, model and usage class; ties out to the ledger.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- param: currency text? = the currency of the statement, such as USD; may be left out while the period has only one
-- param: report_currency currency? = convert to this one, such as EUR, at the rate of each call's day
-- needs: calls_in, charges_in
-- Amounts in two currencies must never meet in one column, so a period that has both asks which one is meant. A call without a
-- price belongs to no currency: it stands on every statement, with its quantity and an unknown cost. Of a call that has a cost,
-- every line stands on the statement in that currency, its unknown parts too. What is converted (report_currency) is all in one;
-- a call without an exchange rate stands there with an unknown cost. shared_cost and adjustment are 0 until there are
-- allocation rules and closed months.
WITH lines AS (
    SELECT
        coalesce(nullif(calls.tags['cost_center'], ''), nullif(calls.tags['team'], ''), '(unallocated)') AS cost_center,
        calls.provider,
        coalesce(calls.response_model, calls.request_model, '(unknown)') AS model,
        charges.usage_class,
        charges.quantity,
        charges.unit,
        charges.effective_cost,
        upper(calls.currency) AS currency,
        calls.price_status
    FROM charges_in($report_currency) AS charges
    JOIN calls_in($report_currency) AS calls USING (call_id)
    WHERE calls.started_at >= $from AND calls.started_at < $to
),

currencies AS (
    SELECT list_sort(list(DISTINCT currency)) AS found FROM lines WHERE effective_cost IS NOT NULL
),

chosen AS (
    SELECT CASE
        WHEN $currency IS NOT NULL AND NOT list_contains(found, upper($currency))
            THEN error('this period has no charges in ' || upper($currency) || ', only in ' || array_to_string(found, ' and '))
        WHEN $currency IS NOT NULL THEN upper($currency)
        WHEN len(found) > 1 THEN error('this period has charges in ' || array_to_string(found, ' and ') || ': choose one currency')
        ELSE coalesce(upper($report_currency), found[1])
    END AS currency
    FROM currencies
)

SELECT
    cost_center,
    provider,
    model,
    usage_class,
    sum(quantity) AS quantity,
    unit,
    sum(effective_cost) AS direct_cost,
    CAST(0 AS DECIMAL(38, 24)) AS shared_cost,
    CAST(0 AS DECIMAL(38, 24)) AS adjustment,
    sum(effective_cost) AS total
FROM lines, chosen
WHERE lines.currency = chosen.currency OR lines.price_status = 'unpriced'
GROUP BY cost_center, provider, model, usage_class, unit
HAVING sum(quantity) > 0
ORDER BY cost_center, provider, model, usage_class, unit

-- title: Savings by lever
-- about: What caches, batch, flex, contracts and commitments saved in one period, by month, provider and model.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- needs: savings_between, monthly_savings_between
-- What contracts settle by the month stands in rows without a model.
FROM (
    FROM ledger.savings_between($from, $to)
    UNION ALL BY NAME
    FROM ledger.monthly_savings_between($from, $to)
)
ORDER BY month, saved DESC NULLS LAST, provider, model, currency, list_currency

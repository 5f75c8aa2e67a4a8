-- title: Savings by lever
-- about: From list to effective cost by month, provider and model, and what caches, batch, flex, contracts and commitments saved.
-- full_list_cost is what the same usage would cost at list prices, uncached and neither as a batch nor at the flex tier; a dearer
-- tier, such as priority, is in it. A lever can cost instead of save. What contracts settle by the month (volume, commitments,
-- fees) is of no model: it stands in rows without one.
FROM (
    FROM ledger.savings_between('-infinity'::TIMESTAMPTZ, 'infinity'::TIMESTAMPTZ)
    UNION ALL BY NAME
    FROM ledger.monthly_savings_between('-infinity'::TIMESTAMPTZ, 'infinity'::TIMESTAMPTZ)
)
ORDER BY month, provider, model, currency, list_currency

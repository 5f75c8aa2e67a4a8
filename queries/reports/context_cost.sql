-- title: Cost by size of input
-- about: What a call of one period cost by the size of its input, and what long input cost more than short.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- needs: context_cost_between
FROM ledger.context_cost_between($from, $to)
ORDER BY month, provider, model, currency, list_currency, input_over NULLS LAST

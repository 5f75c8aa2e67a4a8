-- title: Cost by size of input
-- about: Cost per call by month, model and size of its input, and what long input cost more than short; a row per currency.
-- A size is above input_over and at most input_up_to; both are NULL for calls whose input is unknown, and input_over is 0 for the
-- smallest, which has the calls with no input tokens too. cost_per_call is of the calls that have a cost.
FROM ledger.context_cost_between('-infinity'::TIMESTAMPTZ, 'infinity'::TIMESTAMPTZ)
ORDER BY month, provider, model, currency, list_currency, input_over NULLS LAST

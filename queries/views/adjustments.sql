-- title: Adjustments
-- about: What contracts do to a month beside the price of calls: volume tiers, commitments, fees; and booked corrections.
-- Added to the sum of contracted costs. Computed whenever it is asked for, up to now; provider and account are as the contract
-- names them, with its wildcards; NULL: any. `uncounted_calls` are the contract's calls without a cost in its currency.
SELECT
    adjustments.month,
    adjustments.contract,
    adjustments.contract_rule_id,
    adjustments.provider,
    adjustments.account,
    adjustments.currency,
    adjustments.kind,
    adjustments.amount,
    adjustments.quantity,
    adjustments.unit,
    adjustments.basis,
    adjustments.multiplier,
    adjustments.calls,
    adjustments.uncounted_calls,
    adjustments.for_month,
    coalesce(periods.state, 'open') AS period_state,
    adjustments.description
FROM ledger.adjustments_at(now()) AS adjustments
LEFT JOIN ledger.periods AS periods ON periods.month = adjustments.month

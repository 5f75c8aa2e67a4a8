-- title: Adjustments, shared out
-- about: Adjustments with fees that are spread over the contract's calls, by tokens: a row per service, model and tags; sums to the same.
FROM ledger.adjustment_shares_at(now())

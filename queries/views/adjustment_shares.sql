-- title: Adjustments, shared out
-- about: Adjustments with spread fees shared by tokens among the calls' services, models and tags; sums to the same.
FROM ledger.adjustment_shares_at(now())

-- title: What has no price
-- about: What one period's total leaves out, why, and what it would cost if priced like its nearest relatives.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- needs: unpriced_between
FROM ledger.unpriced_between($from, $to)
ORDER BY bound_high DESC NULLS LAST, tokens DESC NULLS LAST, provider, model, service_tier, price_status, reason

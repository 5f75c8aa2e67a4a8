-- title: What has no price
-- about: Models and usage classes that no price is known for, why, since when, and what they would cost if priced like their nearest relatives.
-- Their cost is unknown, not zero. See ledger.unpriced_between for how the bound is made.
FROM ledger.unpriced_between('-infinity'::TIMESTAMPTZ, 'infinity'::TIMESTAMPTZ)
ORDER BY tokens DESC NULLS LAST, calls DESC, provider, model, service_tier, price_status, reason

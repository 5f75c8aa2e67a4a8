-- title: Spend in billing currency
-- about: Each account's spend by month in the currency it is invoiced in ([currencies] accounts), at each day's rate; else in its own.
-- needs: calls
-- Costs of calls are in the currency of their price. What has no rate is not in billed_cost, and is counted as unconverted.
WITH spent AS (
    SELECT
        (started_at AT TIME ZONE current_setting('TimeZone'))::DATE AS day,
        provider,
        account,
        upper(currency) AS currency,
        count(*) AS calls,
        count(*) FILTER (price_status IN ('unpriced', 'partial')) AS unpriced_calls,
        count(*) FILTER (effective_cost IS NOT NULL) AS costed_calls,
        sum(effective_cost) AS effective_cost
    FROM calls
    GROUP BY ALL
),

accounts AS (
    SELECT
        known.provider,
        known.account,
        arg_max(billing.currency, (billing.account IS NOT NULL, billing.provider IS NOT NULL, length(billing.account))) AS billing_currency
    FROM (SELECT DISTINCT provider, account FROM spent) AS known
    JOIN ledger.billing_currencies AS billing
        ON billing.edition = (SELECT max(edition) FROM ledger.currency_editions)
        AND (billing.provider IS NULL OR billing.provider = known.provider)
        AND (billing.account IS NULL OR lower(known.account) GLOB replace(lower(billing.account), '[', '[[]'))
    GROUP BY ALL
),

billed AS (
    SELECT spent.*, coalesce(accounts.billing_currency, spent.currency) AS billing_currency
    FROM spent
    LEFT JOIN accounts
        ON accounts.provider IS NOT DISTINCT FROM spent.provider AND accounts.account IS NOT DISTINCT FROM spent.account
)

SELECT
    date_trunc('month', billed.day)::DATE AS month,
    billed.provider,
    billed.account,
    billed.currency,
    billed.billing_currency,
    sum(billed.calls)::BIGINT AS calls,
    sum(billed.unpriced_calls)::BIGINT AS unpriced_calls,
    coalesce(sum(billed.costed_calls) FILTER (billed.currency <> billed.billing_currency AND rates.rate IS NULL), 0)::BIGINT AS unconverted_calls,
    sum(billed.effective_cost) AS effective_cost,
    sum(CASE
        WHEN billed.currency = billed.billing_currency THEN billed.effective_cost::DECIMAL(38, 24)
        ELSE ledger.converted(billed.effective_cost, rates.rate)
    END) AS billed_cost,
    min(rates.rate) AS lowest_rate,
    max(rates.rate) AS highest_rate,
    string_agg(DISTINCT rates.source, ', ' ORDER BY rates.source) AS rate_sources
FROM billed
LEFT JOIN ledger.daily_rates AS rates
    ON rates.from_currency = billed.currency AND rates.to_currency = billed.billing_currency AND rates.day = billed.day
GROUP BY ALL
ORDER BY month, billed.provider, billed.account, billed.currency

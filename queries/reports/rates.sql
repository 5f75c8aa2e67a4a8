-- title: Exchange rates used
-- about: The rates by which one period's calls come into the currency of a report; a rate that is missing is NULL, and so are its costs.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- param: report_currency currency? = the currency of the report, such as EUR
-- needs: calls_in
SELECT
    upper(own_currency) AS from_currency,
    currency AS to_currency,
    exchange_rate AS rate,
    exchange_rate_from AS valid_from,
    exchange_rate_source AS source,
    min((started_at AT TIME ZONE current_setting('TimeZone'))::DATE) AS first_day,
    max((started_at AT TIME ZONE current_setting('TimeZone'))::DATE) AS last_day,
    count(*) AS calls,
    sum(own_cost) AS own_cost,
    sum(effective_cost) AS effective_cost
FROM calls_in($report_currency)
WHERE started_at >= $from AND started_at < $to AND own_cost IS NOT NULL AND upper(own_currency) <> upper(currency)
GROUP BY ALL
ORDER BY from_currency, to_currency, valid_from NULLS FIRST

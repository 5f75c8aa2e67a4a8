-- title: Totals
-- about: Calls, tokens and cost of one period, a row per currency; calls without a price have none.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- param: report_currency currency? = convert to this one, such as EUR, at the rate of each call's day
-- needs: spend_between
SELECT
    currency,
    sum(calls)::BIGINT AS calls,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(contracted_cost) AS contracted_cost,
    sum(effective_cost) AS effective_cost,
    coalesce(sum(calls) FILTER (price_status IN ('unpriced', 'partial', 'unconverted')), 0)::BIGINT AS unpriced_calls
FROM spend_between($report_currency, $from, $to)
GROUP BY currency
ORDER BY effective_cost DESC NULLS LAST

-- title: Spend by team
-- about: What each team (tag team) spent in one period, largest first.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- param: report_currency currency? = convert to this one, such as EUR, at the rate of each call's day
-- needs: calls_in
-- Tags are looked at once for each set of tags, not for each call.
WITH spent AS (
    SELECT
        tag_set_id,
        currency,
        count(*) AS calls,
        sum(effective_cost) AS effective_cost,
        count(*) FILTER (price_status IN ('unpriced', 'partial', 'unconverted')) AS unpriced_calls
    FROM calls_in($report_currency)
    WHERE started_at >= $from AND started_at < $to
    GROUP BY ALL
)

SELECT
    coalesce(nullif(tag_sets.tags['team'], ''), '(untagged)') AS team,
    spent.currency,
    sum(spent.calls)::BIGINT AS calls,
    sum(spent.effective_cost) AS effective_cost,
    sum(spent.unpriced_calls)::BIGINT AS unpriced_calls
FROM spent
LEFT JOIN ledger.tag_sets AS tag_sets USING (tag_set_id)
GROUP BY ALL
ORDER BY effective_cost DESC NULLS LAST, calls DESC, team

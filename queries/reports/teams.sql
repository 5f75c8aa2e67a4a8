-- title: Spend by team
-- about: What each team (tag team) spent in one period, largest first.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- needs: calls
SELECT
    coalesce(nullif(tags['team'], ''), '(untagged)') AS team,
    currency,
    count(*) AS calls,
    sum(effective_cost) AS effective_cost,
    count(*) FILTER (price_status IN ('unpriced', 'partial')) AS unpriced_calls
FROM calls
WHERE started_at >= $from AND started_at < $to
GROUP BY ALL
ORDER BY effective_cost DESC NULLS LAST, calls DESC, team

-- title: Revisions
-- about: What was priced anew or read again of a period's calls, or in the period: by whom and why, for which months, and what that changed.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- needs: revisions
SELECT
    revision_id, kind, made_at, made_by, reason, months, currency, calls,
    old_list_cost, new_list_cost, old_contracted_cost, new_contracted_cost, old_effective_cost, new_effective_cost, adjustment
FROM revisions
WHERE
    (made_at >= $from AND made_at < $to)
    OR len(list_filter(months, lambda month:
        month >= date_trunc('month', $from AT TIME ZONE current_setting('TimeZone'))
        AND month < $to AT TIME ZONE current_setting('TimeZone')
    )) > 0
ORDER BY revision_id, currency

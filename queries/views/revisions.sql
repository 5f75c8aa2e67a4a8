-- title: Revisions
-- about: What was priced anew, or read again: by whom, when and why, for which months, and what that changed, a row per revision and currency.
-- Calls whose currency changed count in both rows. `adjustment` is what was booked for closed months, whose calls stay as they are.
WITH revised AS (
    SELECT
        *,
        list_distinct([
            CASE WHEN old_list_cost IS NOT NULL THEN old_list_currency END,
            CASE WHEN old_effective_cost IS NOT NULL THEN old_currency END,
            CASE WHEN new_list_cost IS NOT NULL THEN new_list_currency END,
            CASE WHEN new_effective_cost IS NOT NULL THEN new_currency END
        ]) AS currencies,
        unnest(CASE WHEN len(currencies) > 0 THEN currencies ELSE [new_currency] END) AS currency
    FROM ledger.revised
),

parts AS (
    SELECT
        revision_id,
        currency,
        month,
        calls,
        CASE WHEN old_list_currency = currency THEN old_list_cost END AS old_list_cost,
        CASE WHEN new_list_currency = currency THEN new_list_cost END AS new_list_cost,
        CASE WHEN old_currency = currency THEN old_contracted_cost END AS old_contracted_cost,
        CASE WHEN new_currency = currency THEN new_contracted_cost END AS new_contracted_cost,
        CASE WHEN old_currency = currency THEN old_effective_cost END AS old_effective_cost,
        CASE WHEN new_currency = currency THEN new_effective_cost END AS new_effective_cost,
        NULL AS adjustment
    FROM revised
    UNION ALL BY NAME
    SELECT revision_id, currency, for_month AS month, 0 AS calls, amount AS adjustment
    FROM ledger.adjustments
    WHERE revision_id IS NOT NULL
),

counts AS (
    SELECT revision_id, map_from_entries(list({'key': usage_class, 'value': difference} ORDER BY usage_class)) AS usage_difference
    FROM (
        SELECT revision_id, usage_class, sum(new_quantity - old_quantity)::DECIMAL(38, 6) AS difference
        FROM ledger.reread
        GROUP BY ALL
        HAVING difference <> 0
    )
    GROUP BY revision_id
)

SELECT
    revisions.revision_id,
    revisions.kind,
    revisions.made_at,
    revisions.made_by,
    revisions.reason,
    revisions.since,
    revisions.until,
    revisions.filters::JSON::MAP(VARCHAR, VARCHAR) AS filters,
    list_sort(list(DISTINCT parts.month)) AS months,
    parts.currency,
    sum(parts.calls)::BIGINT AS calls,
    sum(parts.old_list_cost) AS old_list_cost,
    sum(parts.new_list_cost) AS new_list_cost,
    sum(parts.old_contracted_cost) AS old_contracted_cost,
    sum(parts.new_contracted_cost) AS new_contracted_cost,
    sum(parts.old_effective_cost) AS old_effective_cost,
    sum(parts.new_effective_cost) AS new_effective_cost,
    sum(parts.adjustment) AS adjustment,
    any_value(counts.usage_difference) AS usage_difference
FROM ledger.revisions AS revisions
JOIN parts ON parts.revision_id = revisions.revision_id
LEFT JOIN counts ON counts.revision_id = revisions.revision_id
GROUP BY ALL
ORDER BY revisions.revision_id, parts.currency

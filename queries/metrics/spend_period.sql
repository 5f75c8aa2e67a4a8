-- name: meter.spend.period
-- unit: {currency}
-- kind: gauge
-- help: Effective cost of today, of the month to date and of last month, in the ledger's time zone. Money panels read this.
-- attributes: period, gen_ai.provider.name, gen_ai.request.model, gen_ai.response.model, currency, tags
-- value: value
-- param: now timestamptz = the moment that today and this month are taken from
-- param: tags text[] = keys of the tags that become attributes
-- needs: calls
-- A series that is known in one period is given as 0 in another without calls, so that a panel falls to 0 at midnight.
WITH local AS (
    SELECT $now AT TIME ZONE current_setting('TimeZone') AS moment, current_setting('TimeZone') AS zone
),

bounds AS (
    SELECT
        date_trunc('day', moment) AT TIME ZONE zone AS today,
        date_trunc('month', moment) AT TIME ZONE zone AS this_month,
        (date_trunc('month', moment) - INTERVAL 1 MONTH) AT TIME ZONE zone AS last_month
    FROM local
),

-- by set of tags first: tags are looked at once for each, not for each call
spent AS (
    SELECT
        calls.provider,
        calls.request_model,
        calls.response_model,
        calls.currency,
        calls.tag_set_id,
        sum(effective_cost) FILTER (started_at >= bounds.today) AS today,
        sum(effective_cost) FILTER (started_at >= bounds.this_month) AS month_to_date,
        sum(effective_cost) FILTER (started_at < bounds.this_month) AS last_month
    FROM calls
    CROSS JOIN bounds
    WHERE started_at >= bounds.last_month AND started_at < $now AND effective_cost IS NOT NULL
    GROUP BY ALL
),

recent AS (
    SELECT
        spent.provider AS "gen_ai.provider.name",
        spent.request_model AS "gen_ai.request.model",
        spent.response_model AS "gen_ai.response.model",
        spent.currency,
        map_from_entries(list_filter(coalesce(map_entries(tag_sets.tags), []), lambda tag: tag.value <> '' AND list_contains($tags, tag.key))) AS tags,
        coalesce(sum(spent.today), 0) AS today,
        coalesce(sum(spent.month_to_date), 0) AS month_to_date,
        coalesce(sum(spent.last_month), 0) AS last_month
    FROM spent
    LEFT JOIN ledger.tag_sets AS tag_sets USING (tag_set_id)
    GROUP BY ALL
)

UNPIVOT recent ON today, month_to_date, last_month INTO NAME period VALUE value

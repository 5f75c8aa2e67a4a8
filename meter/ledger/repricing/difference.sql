-- What a repricing changes, by month, team, model and status, a row per currency. Calls whose currency changes stand in both rows.
-- An unknown cost adds nothing to a sum, so a difference counts it as 0.
WITH shown AS (
    SELECT
        groups.*,
        coalesce(nullif(tag_sets.tags['team'], ''), '(untagged)') AS team,
        coalesce(response_model, request_model) AS model,
        list_distinct([
            CASE WHEN old_list_cost IS NOT NULL THEN old_list_currency END,
            CASE WHEN old_effective_cost IS NOT NULL THEN old_currency END,
            CASE WHEN new_list_cost IS NOT NULL THEN new_list_currency END,
            CASE WHEN new_effective_cost IS NOT NULL THEN new_currency END
        ]) AS currencies,
        unnest(CASE WHEN len(currencies) > 0 THEN currencies ELSE [new_currency] END) AS currency
    FROM reprice_groups AS groups
    LEFT JOIN ledger.tag_sets AS tag_sets ON tag_sets.tag_set_id = groups.tag_set_id
),
summed AS (
    SELECT
        month,
        team,
        model,
        CASE
            WHEN old_price_status IS DISTINCT FROM new_price_status THEN concat(old_price_status, ' → ', new_price_status)
            ELSE new_price_status
        END AS price_status,
        currency,
        is_closed,
        sum(calls)::BIGINT AS calls,
        sum(old_list_cost) FILTER (old_list_currency = currency) AS old_list_cost,
        sum(new_list_cost) FILTER (new_list_currency = currency) AS new_list_cost,
        sum(old_contracted_cost) FILTER (old_currency = currency) AS old_contracted_cost,
        sum(new_contracted_cost) FILTER (new_currency = currency) AS new_contracted_cost,
        sum(old_effective_cost) FILTER (old_currency = currency) AS old_effective_cost,
        sum(new_effective_cost) FILTER (new_currency = currency) AS new_effective_cost
    FROM shown
    GROUP BY ALL
)
SELECT
    month, team, model, price_status, currency, is_closed, calls,
    old_list_cost, new_list_cost, coalesce(new_list_cost, 0) - coalesce(old_list_cost, 0) AS list_difference,
    old_contracted_cost, new_contracted_cost,
    coalesce(new_contracted_cost, 0) - coalesce(old_contracted_cost, 0) AS contracted_difference,
    old_effective_cost, new_effective_cost,
    coalesce(new_effective_cost, 0) - coalesce(old_effective_cost, 0) AS effective_difference
FROM summed
ORDER BY month, abs(effective_difference) DESC, team, model, price_status, currency

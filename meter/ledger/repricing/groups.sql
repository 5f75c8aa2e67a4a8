-- What a slice changes, by everything that the difference is shown by, recorded by and booked by.
INSERT INTO reprice_groups BY NAME
SELECT
    month, is_closed, provider, account, request_model, response_model, tag_set_id,
    old_rate_card_id, rate_card_id AS new_rate_card_id,
    old_contract_card_id, contract_card_id AS new_contract_card_id,
    old_price_status, price_status AS new_price_status,
    old_list_currency, list_currency AS new_list_currency,
    old_currency, currency AS new_currency,
    count(*) AS calls,
    sum(old_list_cost) AS old_list_cost,
    sum(list_cost) AS new_list_cost,
    sum(old_contracted_cost) AS old_contracted_cost,
    sum(coalesce(contracted_cost_if_other, list_cost)) AS new_contracted_cost,
    sum(old_effective_cost) AS old_effective_cost,
    sum(coalesce(effective_cost_if_other, contracted_cost_if_other, list_cost)) AS new_effective_cost
FROM reprice_changed
GROUP BY ALL

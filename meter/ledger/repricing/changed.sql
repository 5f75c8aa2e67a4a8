-- The calls of a slice that would be priced otherwise now, with what would be stored. A card with another number that comes to
-- the same is no difference: each catalogue numbers its cards anew. The contracts that a card stands for are one, whatever
-- they cost by the call, since those by the month find their calls through it. Calls that are read otherwise differ `always`.
CREATE OR REPLACE TEMP TABLE reprice_changed AS
WITH contracts AS (
    SELECT rate_card_id, coalesce(terms::VARCHAR, '') || coalesce(contract_rules::VARCHAR, '') AS stands_for
    FROM ledger.rate_cards
    WHERE terms IS NOT NULL OR contract_rules IS NOT NULL
),
new AS (
    SELECT
        * EXCLUDE (contracted_cost, effective_cost),
        CASE WHEN contracted_cost IS DISTINCT FROM list_cost THEN contracted_cost END AS contracted_cost_if_other,
        CASE WHEN effective_cost IS DISTINCT FROM contracted_cost THEN effective_cost END AS effective_cost_if_other
    FROM reprice_priced
),
compared AS (
    SELECT
        calls.row_number,
        date_trunc('month', calls.started_at AT TIME ZONE current_setting('TimeZone'))::DATE AS month,
        month IN (SELECT month FROM reprice_closed) AS is_closed,
        calls.provider, calls.account, calls.request_model, calls.response_model, calls.tag_set_id,
        calls.list_cost AS old_list_cost,
        coalesce(calls.contracted_cost_if_other, calls.list_cost) AS old_contracted_cost,
        coalesce(calls.effective_cost_if_other, calls.contracted_cost_if_other, calls.list_cost) AS old_effective_cost,
        calls.list_currency AS old_list_currency,
        calls.currency AS old_currency,
        calls.price_status AS old_price_status,
        calls.rate_card_id AS old_rate_card_id,
        calls.contract_card_id AS old_contract_card_id,
        new.priced_model, new.model_developer, new.list_cost, new.contracted_cost_if_other, new.effective_cost_if_other,
        new.list_currency, new.currency, new.price_status, new.rate_card_id, new.contract_card_id, new.contract_rule_id,
        new.estimate_low, new.estimate_high
    FROM reprice_slice AS calls
    JOIN new ON new.id = calls.id
    LEFT JOIN contracts AS old_contracts ON old_contracts.rate_card_id = calls.contract_card_id
    LEFT JOIN contracts AS new_contracts ON new_contracts.rate_card_id = new.contract_card_id
    WHERE
        {always}
        OR new.list_cost IS DISTINCT FROM calls.list_cost
        OR new.contracted_cost_if_other IS DISTINCT FROM calls.contracted_cost_if_other
        OR new.effective_cost_if_other IS DISTINCT FROM calls.effective_cost_if_other
        OR new.list_currency IS DISTINCT FROM calls.list_currency
        OR new.currency IS DISTINCT FROM calls.currency
        OR new.price_status IS DISTINCT FROM calls.price_status
        OR new.priced_model IS DISTINCT FROM calls.priced_model
        OR new.model_developer IS DISTINCT FROM calls.model_developer
        OR new.estimate_low IS DISTINCT FROM calls.estimate_low
        OR new.estimate_high IS DISTINCT FROM calls.estimate_high
        OR new.contract_rule_id IS DISTINCT FROM calls.contract_rule_id
        OR (new.rate_card_id IS NULL) <> (calls.rate_card_id IS NULL)
        OR new_contracts.stands_for IS DISTINCT FROM old_contracts.stands_for
)
FROM compared

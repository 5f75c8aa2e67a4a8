-- What the slices add to, and the months that none of them may rewrite.
CREATE OR REPLACE TEMP TABLE reprice_groups (
    month DATE, is_closed BOOLEAN, provider VARCHAR, account VARCHAR, request_model VARCHAR, response_model VARCHAR,
    tag_set_id INTEGER, old_rate_card_id INTEGER, new_rate_card_id INTEGER, old_contract_card_id INTEGER,
    new_contract_card_id INTEGER, old_price_status VARCHAR, new_price_status VARCHAR, old_list_currency VARCHAR,
    new_list_currency VARCHAR, old_currency VARCHAR, new_currency VARCHAR, calls BIGINT,
    old_list_cost DECIMAL(38, 12), new_list_cost DECIMAL(38, 12), old_contracted_cost DECIMAL(38, 12),
    new_contracted_cost DECIMAL(38, 12), old_effective_cost DECIMAL(38, 12), new_effective_cost DECIMAL(38, 12)
);

CREATE OR REPLACE TEMP TABLE reprice_closed AS
SELECT month
FROM ledger.periods
GROUP BY month
HAVING arg_max(state, changed_at) = 'closed'
;

CREATE OR REPLACE TEMP TABLE reprice_usage (
    is_closed BOOLEAN, operation VARCHAR, provider VARCHAR, request_model VARCHAR, response_model VARCHAR, tag_set_id INTEGER,
    usage_class VARCHAR, old_quantity DECIMAL(38, 6), new_quantity DECIMAL(38, 6)
)

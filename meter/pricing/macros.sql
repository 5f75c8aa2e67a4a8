-- What the statements of a batch share. Session variables are set beside it: the keys of a call's context that some price
-- depends on, the classes that count as input, and whether any price depends on the account or the deployment. Where none does,
-- these are not asked for: an organisation with many of them would ask the same question as often.
CREATE OR REPLACE TEMP MACRO asked_account(account) AS CASE WHEN getvariable('meter_by_account') THEN account END;

CREATE OR REPLACE TEMP MACRO asked_deployment(deployment) AS CASE WHEN getvariable('meter_by_deployment') THEN deployment END;

CREATE OR REPLACE TEMP MACRO price_context(context) AS nullif(
    to_json(list_filter(map_entries(context), lambda e: list_contains(getvariable('meter_price_keys'), e.key)))::VARCHAR, '[]'
);

CREATE OR REPLACE TEMP MACRO total_input(usage) AS
list_sum(list_transform(
    list_filter(map_entries(usage), lambda e: list_contains(getvariable('meter_input_classes'), e.key)), lambda e: e.value
))::DECIMAL(18, 6);

-- The CASE matters: least() passes over a NULL and would make unknown characters the limit itself.
CREATE OR REPLACE TEMP MACRO tokens(chars, tokens_per_char) AS
CASE WHEN chars IS NOT NULL
    THEN (least(chars, 10000000000)::DECIMAL(12, 0) * tokens_per_char)::DECIMAL(12, 0)::DECIMAL(24, 6)
END;

-- Unknown, where it does not fit.
CREATE OR REPLACE TEMP MACRO sum_of_charges(charges) AS TRY_CAST(list_sum(charges) AS DECIMAL(26, 12))

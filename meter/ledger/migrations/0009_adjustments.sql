-- Adjustments, their shares and commitments, each as of a moment: the public views ask for now.

CREATE MACRO ledger.adjustments_at(as_of) AS TABLE
WITH months AS MATERIALIZED (FROM ledger.contract_months),

volumes AS (
    SELECT
        contract_rule_id, month, calls, uncounted_calls, spend, tokens, spend_before, tokens_before,
        CASE rules.volume_by WHEN 'tokens' THEN tokens_before::DECIMAL(38, 12) ELSE spend_before END AS reach_before,
        CASE rules.volume_by WHEN 'tokens' THEN (tokens_before + tokens)::DECIMAL(38, 12) ELSE spend_before + spend END AS reach,
        rules.volume_by, rules.volume_method
    FROM months
    JOIN ledger.monthly_rules AS rules USING (contract_rule_id)
    WHERE rules.volume_by IS NOT NULL
),

-- Graduated by tokens, a month's spend is shared among the bands in the proportion of the month's tokens.
banded AS (
    SELECT
        contract_rule_id,
        month,
        coalesce(arg_max(change, over_amount) FILTER (over_amount < reach), 0) AS change_now,
        coalesce(arg_max(change, over_amount) FILTER (over_amount < reach_before), 0) AS change_before,
        coalesce(sum(ledger.in_band(spend_before + spend, over_amount, up_to) * change), 0)::DECIMAL(38, 12) AS off_spend,
        coalesce(sum(ledger.in_band(spend_before, over_amount, up_to) * change), 0)::DECIMAL(38, 12) AS off_spend_before,
        coalesce(sum(change * (
            ledger.proportion(spend, ledger.within(up_to, tokens_before, tokens), tokens)
            - ledger.proportion(spend, ledger.within(over_amount, tokens_before, tokens), tokens)
        )), 0)::DECIMAL(38, 12) AS off_tokens
    FROM volumes
    LEFT JOIN ledger.volume_bands USING (contract_rule_id)
    GROUP BY contract_rule_id, month
),

discounted AS (
    SELECT
        *,
        CASE
            WHEN volume_method = 'all_units' THEN ((spend_before + spend) * change_now)::DECIMAL(38, 12)
                - (spend_before * change_before)::DECIMAL(38, 12)
            WHEN volume_by = 'spend' THEN off_spend - off_spend_before
            WHEN tokens = 0 THEN (spend * change_now)::DECIMAL(38, 12)
            ELSE off_tokens
        END AS amount
    FROM volumes
    JOIN banded USING (contract_rule_id, month)
),

draws AS (
    SELECT
        months.*,
        ledger.proportion(rules.paid_ahead, ledger.atoms(drawn_before + drawn), ledger.atoms(rules.commitment))
            - ledger.proportion(rules.paid_ahead, ledger.atoms(drawn_before), ledger.atoms(rules.commitment)) - drawn AS amount
    FROM months
    JOIN ledger.monthly_rules AS rules USING (contract_rule_id)
    WHERE rules.commitment IS NOT NULL AND drawn > 0
),

unused AS (
    SELECT
        rules.contract_rule_id,
        ledger.month_of(any_value(rules.valid_to) - INTERVAL 1 MICROSECOND) AS month,
        any_value(rules.commitment) - coalesce(sum(drawn), 0) AS quantity,
        any_value(rules.paid_ahead) - ledger.proportion(
            any_value(rules.paid_ahead), ledger.atoms(coalesce(sum(drawn), 0)), ledger.atoms(any_value(rules.commitment))
        ) AS amount
    FROM ledger.monthly_rules AS rules
    LEFT JOIN months USING (contract_rule_id)
    WHERE rules.commitment IS NOT NULL AND rules.valid_to <= as_of
    GROUP BY rules.contract_rule_id
    HAVING any_value(rules.commitment) > coalesce(sum(drawn), 0)
),

computed AS (
    SELECT
        'volume' AS kind, contract_rule_id, month, amount, calls, uncounted_calls, volume_by AS per,
        CASE volume_by WHEN 'tokens' THEN tokens::DECIMAL(38, 12) ELSE spend END AS quantity,
        reach AS basis, change_now + 1 AS multiplier
    FROM discounted
    UNION ALL
    SELECT
        'commitment_discount', contract_rule_id, month, amount, calls, uncounted_calls, 'spend', drawn, drawn_before + drawn, NULL
    FROM draws
    UNION ALL
    SELECT 'commitment_unused', contract_rule_id, month, amount, NULL, NULL, 'spend', quantity, NULL, NULL
    FROM unused
    UNION ALL
    SELECT 'fee', contract_rule_id, month, amount, NULL, NULL, rules.fee_per, fees.quantity, rules.fee, NULL
    FROM ledger.fees_at(as_of) AS fees
    JOIN ledger.monthly_rules AS rules USING (contract_rule_id)
)

SELECT
    computed.month,
    computed.month AS for_month,
    rules.name AS contract,
    contract_rule_id,
    rules.provider,
    rules.account,
    NULL::VARCHAR AS model,
    NULL::INTEGER AS tag_set_id,
    rules.currency,
    computed.kind,
    computed.amount::DECIMAL(38, 12) AS amount,
    computed.quantity::DECIMAL(38, 12) AS quantity,
    CASE computed.per
        WHEN 'spend' THEN rules.currency
        WHEN 'tokens' THEN 'token'
        WHEN 'once' THEN 'piece'
        ELSE computed.per
    END AS unit,
    computed.basis::DECIMAL(38, 12) AS basis,
    computed.multiplier::DECIMAL(18, 12) AS multiplier,
    computed.calls,
    computed.uncounted_calls,
    rules.fee_spread AND computed.kind = 'fee' AS is_spread,
    CASE computed.kind
        WHEN 'volume' THEN rules.volume_method || ' by ' || rules.volume_by || ' over the ' || rules.volume_period || ': '
            || ledger.plain(computed.basis) || ' ' || CASE rules.volume_by WHEN 'tokens' THEN 'tokens' ELSE rules.currency END
            || ' at the month''s end, tier × ' || ledger.plain(computed.multiplier)
        WHEN 'commitment_discount' THEN ledger.plain(computed.quantity) || ' drawn, ' || ledger.plain(computed.basis)
            || ' so far, of ' || ledger.plain(rules.commitment) || ' bought for ' || ledger.plain(rules.paid_ahead) || ' ' || rules.currency
        WHEN 'commitment_unused' THEN ledger.plain(computed.quantity) || ' of ' || ledger.plain(rules.commitment)
            || ' bought for ' || ledger.plain(rules.paid_ahead) || ' ' || rules.currency || ' were never used'
        ELSE ledger.plain(computed.quantity) || ' × ' || ledger.plain(rules.fee) || ' ' || rules.currency || CASE rules.fee_per
            WHEN 'once' THEN ' once' ELSE ' per ' || rules.fee_per END
    END AS description
FROM computed
JOIN ledger.monthly_rules AS rules USING (contract_rule_id)
UNION ALL
SELECT
    month, for_month, NULL, NULL, provider, account, model, tag_set_id, upper(currency), kind, amount,
    NULL, NULL, NULL, NULL, NULL, NULL, false, reason
FROM ledger.adjustments;

-- The same, with fees that are spread shared out by tokens among what the contract's calls were for: whole 1e-12 parts downwards,
-- and the few that are left to the largest remainders, so that the shares make the fee. Without any use the fee is a line of its
-- own. All other adjustments stand there whole, so that both relations sum to the same.
CREATE MACRO ledger.adjustment_shares_at(as_of) AS TABLE
WITH due AS MATERIALIZED (SELECT *, row_number() OVER () AS line FROM ledger.adjustments_at(as_of)),

spread AS MATERIALIZED (
    SELECT contract_card_id, contract_rule_id, rules.valid_from, rules.valid_to
    FROM ledger.monthly_terms
    JOIN ledger.monthly_rules AS rules USING (contract_rule_id)
    WHERE rules.fee IS NOT NULL AND rules.fee_spread
),

uses AS (
    SELECT
        spread.contract_rule_id,
        ledger.call_month(started_at) AS month,
        service,
        provider,
        account,
        coalesce(response_model, request_model) AS model,
        tag_set_id,
        sum(ledger.call_tokens(
            input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, other_input,
            output, reasoning, output_audio, other_output
        ))::HUGEINT AS tokens
    FROM ledger.all_calls
    JOIN spread USING (contract_card_id)
    WHERE coalesce(started_at >= valid_from, true) AND coalesce(started_at < valid_to, true)
    GROUP BY ALL
    HAVING tokens > 0
),

parts AS (
    SELECT
        *,
        sum(divided.quotient) OVER (PARTITION BY line) AS dealt,
        row_number() OVER (
            PARTITION BY line ORDER BY divided.remainder DESC, tokens DESC, service, provider, account, model, tag_set_id
        ) AS place
    FROM (
        SELECT
            *,
            CASE -- most products fit into 128 bits, and are ten times faster so
                WHEN atoms < 10000000000000000000 AND whole < 10000000000000000000
                    THEN {'quotient': atoms * tokens // whole, 'remainder': atoms * tokens % whole}
                ELSE ledger.parted(atoms, tokens, whole)
            END AS divided
        FROM (
            SELECT
                due.line, due.amount, abs(ledger.atoms(due.amount)) AS atoms, uses.* EXCLUDE (contract_rule_id, month),
                sum(tokens) OVER (PARTITION BY due.line) AS whole
            FROM due
            JOIN uses ON uses.contract_rule_id = due.contract_rule_id AND uses.month = due.month
            WHERE due.is_spread
        )
    )
),

shares AS (
    SELECT
        line, service, provider, account, model, tag_set_id, tokens,
        (sign(amount) * ledger.of_atoms(
            divided.quotient + CASE WHEN place <= atoms - dealt THEN 1 ELSE 0 END
        ))::DECIMAL(38, 12) AS amount
    FROM parts
    UNION ALL
    SELECT
        line, CASE WHEN is_spread THEN '(unused)' END, provider, account, CASE WHEN is_spread THEN '(unused)' ELSE model END,
        tag_set_id, NULL, amount
    FROM due
    ANTI JOIN parts USING (line)
)

SELECT
    due.month,
    due.contract,
    due.contract_rule_id,
    due.kind,
    shares.service,
    shares.provider,
    shares.account,
    shares.model,
    CASE
        WHEN shares.service = '(unused)' AND shares.tokens IS NULL THEN '(unused)'
        WHEN shares.tokens IS NULL AND shares.tag_set_id IS NULL THEN '(unallocated)'
        ELSE coalesce(nullif(tag_sets.tags['team'], ''), '(untagged)')
    END AS team,
    tag_sets.tags,
    shares.tokens,
    shares.amount,
    due.currency
FROM shares
JOIN due USING (line)
LEFT JOIN ledger.tag_sets AS tag_sets ON tag_sets.tag_set_id = shares.tag_set_id;

-- Commitments of money, and seats: fees by the month for a stated number of them. Pace is that of the last 28 whole days, or of
-- those since the beginning. Who uses a seat is known only where calls carry the tag `user`.
CREATE MACRO ledger.commitments_at(as_of) AS TABLE
WITH draws AS (
    SELECT
        contract_rule_id,
        sum(drawn)::DECIMAL(38, 12) AS drawn,
        sum(spend)::DECIMAL(38, 12) AS spend,
        sum(uncounted_calls)::BIGINT AS uncounted_calls,
        sum(drawn) FILTER (day >= ledger.utc_day(as_of) - 28 AND day < ledger.utc_day(as_of))::DECIMAL(38, 12) AS recent,
        max(day) FILTER (drawn > 0) AS last_day
    FROM ledger.contract_use
    GROUP BY contract_rule_id
),

money AS (
    SELECT
        rules.*,
        coalesce(draws.drawn, 0)::DECIMAL(38, 12) AS drawn,
        coalesce(draws.spend, 0)::DECIMAL(38, 12) AS spend,
        coalesce(draws.uncounted_calls, 0) AS uncounted_calls,
        coalesce(draws.recent, 0)::DECIMAL(38, 12) AS recent,
        (commitment - coalesce(draws.drawn, 0))::DECIMAL(38, 12) AS remaining,
        draws.last_day,
        least(28, ledger.utc_day(as_of) - coalesce(first_day, ledger.utc_day(as_of) - 28)) AS days,
        end_day - ledger.utc_day(as_of) AS days_left
    FROM ledger.monthly_rules AS rules
    LEFT JOIN draws USING (contract_rule_id)
    WHERE commitment IS NOT NULL
),

paced AS (
    SELECT
        *,
        CASE
            WHEN remaining <= 0 THEN 'exhausted'
            WHEN valid_to <= as_of THEN 'expired'
            WHEN valid_from > as_of THEN 'upcoming'
            ELSE 'active'
        END AS status,
        CASE
            WHEN days > 0 AND recent > 0 AND remaining > 0
                THEN ledger.parted(ledger.atoms(remaining), days, ledger.atoms(recent))
        END AS whole_days
    FROM money
),

months AS (SELECT contract_rule_id, sum(amount)::DECIMAL(38, 12) AS paid FROM ledger.fees_at(as_of) GROUP BY contract_rule_id),

seats AS MATERIALIZED (
    SELECT rules.*, coalesce(months.paid, 0)::DECIMAL(38, 12) AS paid
    FROM ledger.monthly_rules AS rules
    LEFT JOIN months USING (contract_rule_id)
    WHERE rules.fee_per = 'month' AND json_exists(rules.definition, '$.fee.quantity') AND NOT rules.fee_spread
),

users AS (
    SELECT contract_rule_id, nullif(count(DISTINCT nullif(tag_sets.tags['user'], '')), 0) AS active
    FROM (
        SELECT DISTINCT seats.contract_rule_id, calls.tag_set_id
        FROM ledger.all_calls AS calls
        JOIN ledger.monthly_terms AS terms USING (contract_card_id)
        JOIN seats ON seats.contract_rule_id = terms.contract_rule_id
        WHERE calls.started_at >= ledger.month_start(ledger.month_of(as_of)) AND calls.started_at <= as_of
            AND coalesce(calls.started_at >= seats.valid_from, true) AND coalesce(calls.started_at < seats.valid_to, true)
    )
    JOIN ledger.tag_sets AS tag_sets USING (tag_set_id)
    GROUP BY contract_rule_id
)

SELECT
    name AS contract,
    contract_rule_id,
    'spend' AS kind,
    provider,
    account,
    currency,
    currency AS unit,
    commitment::DECIMAL(38, 12) AS bought,
    CASE WHEN status = 'upcoming' THEN 0 ELSE paid_ahead END::DECIMAL(38, 12) AS paid,
    drawn,
    remaining,
    spend AS matched_spend,
    ledger.ratio(drawn, spend) AS coverage,
    ledger.ratio(drawn, commitment) AS utilisation,
    CASE
        WHEN status = 'exhausted' THEN last_day
        WHEN status = 'active' AND whole_days.quotient < coalesce(days_left, 36500)
            THEN ledger.utc_day(as_of) + whole_days.quotient::INTEGER - CASE WHEN whole_days.remainder = 0 THEN 1 ELSE 0 END
        WHEN status = 'active' AND whole_days.quotient = days_left AND whole_days.remainder = 0 THEN end_day - 1
    END AS run_out_on,
    CASE
        WHEN status IN ('exhausted', 'expired') THEN remaining
        WHEN status = 'active' AND valid_to IS NULL THEN 0
        WHEN status = 'active' AND days > 0 THEN greatest(remaining - ledger.proportion(recent, days_left, days), 0)
    END::DECIMAL(38, 12) AS expected_breakage,
    valid_from,
    valid_to,
    status,
    uncounted_calls
FROM paced
UNION ALL
SELECT
    name, contract_rule_id, 'seats', provider, account, currency, 'seat', fee_quantity, paid,
    active, fee_quantity - active, NULL, NULL, ledger.ratio(active, fee_quantity), NULL, NULL, valid_from, valid_to,
    CASE WHEN valid_to <= as_of THEN 'expired' WHEN valid_from > as_of THEN 'upcoming' ELSE 'active' END, NULL
FROM seats
LEFT JOIN users USING (contract_rule_id);

-- What contracts settle by the month, as rows of the view `savings`: of a contract, not of a model. Volume tiers and fees count
-- as the contract's lever, a commitment's discount and its unused share as the commitment's.
CREATE MACRO ledger.monthly_savings_between(earliest, latest) AS TABLE
SELECT
    month,
    provider,
    NULL::VARCHAR AS model,
    currency,
    currency AS list_currency,
    0::BIGINT AS calls,
    0::DECIMAL(38, 12) AS full_list_cost,
    0::DECIMAL(38, 12) AS cache_savings,
    0::DECIMAL(38, 12) AS batch_savings,
    0::DECIMAL(38, 12) AS flex_savings,
    0::DECIMAL(38, 12) AS list_cost,
    coalesce(-sum(amount) FILTER (NOT starts_with(kind, 'commitment')), 0)::DECIMAL(38, 12) AS contract_savings,
    -contract_savings AS contracted_cost,
    coalesce(-sum(amount) FILTER (starts_with(kind, 'commitment')), 0)::DECIMAL(38, 12) AS commitment_savings,
    -contract_savings - commitment_savings AS effective_cost,
    contract_savings + commitment_savings AS saved,
    NULL::DECIMAL(26, 12) AS effective_savings_rate -- against nothing: it changes that of the sum
FROM ledger.adjustments_at(now())
WHERE
    month >= (earliest AT TIME ZONE current_setting('TimeZone')) AND month < (latest AT TIME ZONE current_setting('TimeZone'))
GROUP BY month, provider, currency;

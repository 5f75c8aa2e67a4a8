-- What follows from contracts by the month: volume tiers, commitments and fees. Nothing of it is stored; all is computed from
-- `ledger.contract_rules` and the calls, whenever it is asked for.

-- Exact proportions. Amounts are counted in 1e-12 of a unit, as whole numbers of 128 bits. Text is exact in both directions.

CREATE MACRO ledger.atoms(amount) AS replace((amount::DECIMAL(38, 12))::VARCHAR, '.', '')::HUGEINT;
CREATE MACRO ledger.of_atoms(atoms) AS
regexp_replace('0000000000000' || atoms::VARCHAR, '(.{12})$', '.\1')::DECIMAL(38, 12); -- from 0 upwards

-- quantity × part over whole, as quotient and remainder; none of them is below 0. By long multiplication, six digits of the part
-- at a time, since 128 bits may not hold the product: so a quantity may have 32 digits, part and whole 30. Each argument stands
-- there as seldom as can be: what a macro repeats is planned again each time.
CREATE MACRO ledger.parted(quantity, part, whole) AS
list_reduce(
    list_transform(
        [1000000000000000000000000, 1000000000000000000, 1000000000000, 1000000, 1]::HUGEINT[],
        lambda place: {'quotient': (part // place) % 1000000, 'remainder': 0::HUGEINT}
    ),
    lambda done, digit: {
        'quotient': done.quotient * 1000000 + (done.remainder * 1000000 + quantity * digit.quotient) // nullif(whole, 0),
        'remainder': (done.remainder * 1000000 + quantity * digit.quotient) % nullif(whole, 0)
    },
    {'quotient': 0::HUGEINT, 'remainder': 0::HUGEINT}
);

-- amount × part over whole, rounded once, half up, to 12 decimals. Nothing of nothing is 0.
CREATE MACRO ledger.proportion(amount, part, whole) AS
(sign(amount) * ledger.of_atoms(
    (coalesce(ledger.parted(2 * abs(ledger.atoms(amount)), part::HUGEINT, whole::HUGEINT).quotient, 0) + 1) // 2
))::DECIMAL(38, 12);

-- A ratio of two amounts; NULL where there is nothing to compare with.
CREATE MACRO ledger.ratio(part, whole) AS
CASE WHEN whole > 0 AND part IS NOT NULL THEN ledger.proportion(1, ledger.atoms(part), ledger.atoms(whole))::DECIMAL(26, 12) END;

-- For people: without the zeros at the end.
CREATE MACRO ledger.plain(amount) AS regexp_replace(amount::DECIMAL(38, 12)::VARCHAR, '\.?0+$', '');

-- Time. Days are in UTC, as a contract's dates are; months are those of the ledger's time zone.

CREATE MACRO ledger.utc_day(moment) AS DATE '1970-01-01' + (epoch_us(moment) // 86400000000)::INTEGER;
CREATE MACRO ledger.month_of(moment) AS date_trunc('month', moment AT TIME ZONE current_setting('TimeZone'))::DATE;
CREATE MACRO ledger.month_start(month) AS month::TIMESTAMP AT TIME ZONE current_setting('TimeZone');
CREATE MACRO ledger.seconds(since, until) AS ((epoch_us(until) - epoch_us(since)) // 1000000)::HUGEINT;

-- Time zones cost more than all the rest of a scan, and no zone is as much as a day away from UTC: they are asked only where
-- months meet.
CREATE MACRO ledger.call_month(moment) AS
CASE
    WHEN day(ledger.utc_day(moment)) BETWEEN 2 AND 27 THEN date_trunc('month', ledger.utc_day(moment))::DATE
    ELSE ledger.month_of(moment)
END;

-- Contracts in force that say something by the month. `known_from` is when a contract of that name first stood in meter.toml:
-- a fee without a beginning runs from then.
CREATE VIEW ledger.monthly_rules AS
SELECT
    rules.* REPLACE (upper(rules.currency) AS currency),
    ledger.utc_day(rules.valid_from) AS first_day,
    ledger.utc_day(rules.valid_to - INTERVAL 1 MICROSECOND) + 1 AS end_day,
    coalesce(rules.commitment_price, rules.commitment) AS paid_ahead,
    known.known_from
FROM ledger.contract_rules AS rules
JOIN (SELECT name, min(recorded_at) AS known_from FROM ledger.contract_rules GROUP BY name) AS known ON known.name = rules.name
WHERE rules.superseded_at IS NULL AND (rules.volume_by IS NOT NULL OR rules.commitment IS NOT NULL OR rules.fee IS NOT NULL);

-- Which calls a contract counts: those whose card names it, in whatever wording it had when they were priced. So a volume that
-- runs for a year is not forgotten when the contract's text changes in between.
CREATE VIEW ledger.monthly_terms AS
SELECT DISTINCT cards.rate_card_id AS contract_card_id, rules.contract_rule_id
FROM (SELECT rate_card_id, unnest(terms) AS term FROM ledger.rate_cards WHERE len(terms) > 0) AS cards
JOIN ledger.contract_rules AS worded ON worded.contract_rule_id = cards.term
JOIN ledger.monthly_rules AS rules ON rules.name = worded.name;

CREATE MACRO ledger.call_tokens(a, b, c, d, e, f, g, h, i, j, k) AS
coalesce(a, 0) + coalesce(b, 0) + coalesce(c, 0) + coalesce(d, 0) + coalesce(e, 0) + coalesce(f, 0) + coalesce(g, 0)
+ coalesce(h, 0) + coalesce(i, 0) + coalesce(j, 0) + coalesce(k, 0);

-- Moments within a day at which a contract begins or ends: few contracts have any.
CREATE VIEW ledger.contract_cuts AS
SELECT ledger.utc_day(cut) AS day, list_sort(list(DISTINCT cut)) AS cuts
FROM (SELECT unnest([valid_from, valid_to]) AS cut FROM ledger.monthly_rules)
WHERE epoch_us(cut) % 86400000000 <> 0
GROUP BY ALL;

-- The one pass over the calls: what was used under a card in a day. A day is in two months where a month ends within it, and in
-- parts where a contract begins or ends within it; so all calls of a row are on the same side of every contract's dates.
CREATE VIEW ledger.contract_days AS
SELECT
    contract_card_id,
    ledger.utc_day(started_at) AS day,
    ledger.call_month(started_at) AS month,
    upper(currency) AS currency,
    len(list_filter(contract_cuts.cuts, lambda cut: cut <= started_at)) AS part,
    min(started_at) AS first_at,
    count(*) AS calls,
    count(coalesce(contracted_cost_if_other, list_cost)) AS costed_calls,
    sum(coalesce(contracted_cost_if_other, list_cost)) AS spend,
    sum(ledger.call_tokens(
        input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, other_input,
        output, reasoning, output_audio, other_output
    ))::HUGEINT AS tokens
FROM ledger.all_calls
SEMI JOIN ledger.monthly_terms USING (contract_card_id)
LEFT JOIN ledger.contract_cuts ON contract_cuts.day = ledger.utc_day(started_at)
GROUP BY ALL;

-- What each contract counted in a day, and what a commitment paid for of that.
--
-- Of several commitments over the same spend the one that ends first is drawn first, then the one that began first; so each takes
-- its turn over the days, from what those before it left. Within a day, spend that fewer commitments may draw goes first.
CREATE VIEW ledger.contract_use AS
WITH RECURSIVE matched AS MATERIALIZED (
    SELECT
        days.*,
        terms.contract_rule_id,
        days.spend IS NOT NULL AND coalesce(days.currency = rules.currency, false) AS counts
    FROM ledger.contract_days AS days
    JOIN ledger.monthly_terms AS terms USING (contract_card_id)
    JOIN ledger.monthly_rules AS rules USING (contract_rule_id)
    WHERE coalesce(days.first_at >= rules.valid_from, true) AND coalesce(days.first_at < rules.valid_to, true)
),

turns AS MATERIALIZED (
    SELECT
        row_number() OVER (ORDER BY valid_to NULLS LAST, valid_from NULLS FIRST, contract_rule_id) AS turn,
        contract_rule_id,
        commitment
    FROM ledger.monthly_rules
    WHERE commitment IS NOT NULL
),

offers AS (
    SELECT day, month, turns, sum(spend) AS spend, row_number() OVER (ORDER BY day, month, len(turns), turns) AS place
    FROM (
        SELECT contract_card_id, day, month, part, currency, any_value(spend) AS spend, list_sort(list(turn)) AS turns
        FROM matched
        JOIN turns USING (contract_rule_id)
        WHERE counts AND spend > 0
        GROUP BY contract_card_id, day, month, part, currency
    )
    GROUP BY day, month, turns
),

drawing AS (
    SELECT 0::BIGINT AS turn, place, day, month, turns, spend::DECIMAL(38, 12) AS undrawn, 0::DECIMAL(38, 12) AS drawn
    FROM offers
    UNION ALL
    SELECT turn, place, day, month, turns, (undrawn - taken)::DECIMAL(38, 12), taken::DECIMAL(38, 12)
    FROM (
        SELECT
            next.turn, place, day, month, drawing.turns, undrawn,
            CASE
                WHEN list_contains(drawing.turns, next.turn) THEN greatest(0, least(
                    undrawn,
                    commitment + undrawn - sum(undrawn) FILTER (list_contains(drawing.turns, next.turn)) OVER (ORDER BY place)
                ))
                ELSE 0
            END AS taken
        FROM drawing
        JOIN turns AS next ON next.turn = drawing.turn + 1
        WHERE undrawn > 0
    )
),

drawn AS (
    SELECT turns.contract_rule_id, day, month, sum(drawn) AS drawn
    FROM drawing
    JOIN turns USING (turn)
    WHERE drawn > 0
    GROUP BY turns.contract_rule_id, day, month
)

SELECT
    contract_rule_id,
    day,
    month,
    sum(CASE WHEN counts THEN costed_calls ELSE 0 END)::BIGINT AS calls,
    sum(CASE WHEN counts THEN matched.calls - costed_calls ELSE matched.calls END)::BIGINT AS uncounted_calls,
    sum(tokens)::HUGEINT AS tokens, -- of all: a tier by tokens is reached by calls of unknown cost, too
    coalesce(sum(spend) FILTER (counts), 0)::DECIMAL(38, 12) AS spend,
    coalesce(any_value(drawn.drawn), 0)::DECIMAL(38, 12) AS drawn
FROM matched
LEFT JOIN drawn USING (contract_rule_id, day, month)
GROUP BY contract_rule_id, day, month;

-- The same by month, with what stood before the month began. A volume by the month begins at nothing each time.
CREATE VIEW ledger.contract_months AS
SELECT
    *,
    (sum(drawn) OVER run - drawn)::DECIMAL(38, 12) AS drawn_before,
    CASE WHEN is_term THEN sum(spend) OVER run - spend ELSE 0 END::DECIMAL(38, 12) AS spend_before,
    CASE WHEN is_term THEN sum(tokens) OVER run - tokens ELSE 0 END::HUGEINT AS tokens_before
FROM (
    SELECT
        contract_rule_id,
        month,
        any_value(coalesce(rules.volume_period = 'term', false)) AS is_term,
        sum(calls)::BIGINT AS calls,
        sum(uncounted_calls)::BIGINT AS uncounted_calls,
        sum(tokens)::HUGEINT AS tokens,
        sum(spend)::DECIMAL(38, 12) AS spend,
        sum(drawn)::DECIMAL(38, 12) AS drawn
    FROM ledger.contract_use
    JOIN ledger.monthly_rules AS rules USING (contract_rule_id)
    GROUP BY contract_rule_id, month
)
WINDOW run AS (PARTITION BY contract_rule_id ORDER BY month);

-- Tiers as bands: above `over`, and at most `up_to`. Below the first, the price is the contract's own.
CREATE VIEW ledger.volume_bands AS
SELECT
    contract_rule_id,
    tier."over" AS over_amount,
    lead(tier."over") OVER (PARTITION BY contract_rule_id ORDER BY tier."over") AS up_to,
    tier.multiplier - 1 AS change
FROM (SELECT contract_rule_id, unnest(volume_tiers) AS tier FROM ledger.monthly_rules WHERE volume_by IS NOT NULL);

-- How many of a month's tokens stand at or below a limit, counted from the contract's beginning; NULL: no limit.
CREATE MACRO ledger.within(upper_end, tokens_before, tokens) AS
greatest(least(coalesce(floor(upper_end)::HUGEINT, tokens_before + tokens) - tokens_before, tokens), 0);

CREATE MACRO ledger.in_band(amount, over_amount, up_to) AS greatest(least(amount, coalesce(up_to, amount)) - over_amount, 0);

-- Fees by month, accrued up to a moment. Each month is the difference of two sums from the beginning, so that months add up to
-- the whole; a fee by the month counts from the month's own beginning, so that two halves of a month make one.
CREATE MACRO ledger.fees_at(as_of) AS TABLE
WITH running AS (
    SELECT
        *,
        coalesce(valid_from, known_from) AS since,
        least(coalesce(valid_to, as_of), as_of) AS until,
        coalesce((fee_quantity * 1000000)::HUGEINT, 1000000) AS millionths
    FROM ledger.monthly_rules
    WHERE fee IS NOT NULL
),

months AS (
    SELECT
        running.*,
        month,
        ledger.month_start(month) AS month_begins,
        ledger.month_start((month + INTERVAL 1 MONTH)::DATE) AS month_ends
    FROM (
        SELECT
            *,
            unnest(generate_series(
                ledger.month_of(since)::TIMESTAMP,
                ledger.month_of(CASE fee_per WHEN 'once' THEN since ELSE until - INTERVAL 1 MICROSECOND END)::TIMESTAMP,
                INTERVAL 1 MONTH
            ))::DATE AS month
        FROM running
        WHERE since < until
    ) AS running
),

parts AS (
    SELECT
        *,
        CASE fee_per WHEN 'hour' THEN since WHEN 'month' THEN month_begins END AS origin,
        1000000::HUGEINT * CASE fee_per
            WHEN 'hour' THEN 3600
            WHEN 'month' THEN ledger.seconds(month_begins, month_ends)
            ELSE 1
        END AS whole,
        CASE fee_per WHEN 'once' THEN 0 ELSE ledger.seconds(origin, greatest(since, month_begins)) END * millionths AS before,
        CASE fee_per WHEN 'once' THEN 1 ELSE ledger.seconds(origin, least(until, month_ends)) END * millionths AS after
    FROM months
)

SELECT
    contract_rule_id,
    month,
    ledger.proportion(fee, after, whole) - ledger.proportion(fee, before, whole) AS amount,
    ledger.proportion(1, after, whole) - ledger.proportion(1, before, whole) AS quantity
FROM parts;

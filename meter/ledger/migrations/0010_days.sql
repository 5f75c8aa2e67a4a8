-- Calls summed by day, so that a question over years need not read every call.

-- A moment by the clock of the time zone in force, and its day. UTC needs no look at the rules of time zones, which for 100 million
-- calls takes seconds.
CREATE MACRO ledger.local_time(moment) AS
CASE current_setting('TimeZone')
    WHEN 'UTC' THEN make_timestamp(epoch_us(moment))
    ELSE moment AT TIME ZONE current_setting('TimeZone')
END;
CREATE MACRO ledger.local_day(moment) AS ledger.local_time(moment)::DATE;

-- The days that lie between two moments as a whole: from this one up to but without that one. What is left of the period lies
-- within a day of either moment, however long a day is where clocks change; nothing is left where the moment is a midnight.
CREATE MACRO ledger.first_whole_day(since) AS
CASE WHEN isfinite(since) THEN ledger.local_day(since - INTERVAL 1 MICROSECOND) + 1 ELSE since::DATE END;
CREATE MACRO ledger.end_of_whole_days(until) AS
CASE WHEN isfinite(until) THEN ledger.local_day(until) ELSE until::DATE END;
CREATE MACRO ledger.rest_ends(since) AS
CASE
    WHEN isfinite(since) AND ledger.local_day(since) < ledger.first_whole_day(since) THEN since + INTERVAL 30 HOUR
    ELSE since
END;
CREATE MACRO ledger.rest_begins(until) AS
CASE
    WHEN isfinite(until) AND ledger.local_day(until - INTERVAL 1 MICROSECOND) = ledger.end_of_whole_days(until)
        THEN until - INTERVAL 30 HOUR
    ELSE until
END;

-- Tokens as OpenTelemetry counts them: input with what came from a cache or went into one, output with reasoning. Unknown only
-- where every class is. Most calls have the first two classes alone: quicker.
CREATE MACRO ledger.input_tokens(input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, other_input) AS
CASE
    WHEN coalesce(cache_write, cache_write_5m, cache_write_1h, input_audio, other_input) IS NULL
        THEN coalesce(input + cache_read, input, cache_read)
    ELSE coalesce(input, 0) + coalesce(cache_read, 0) + coalesce(cache_write, 0) + coalesce(cache_write_5m, 0)
        + coalesce(cache_write_1h, 0) + coalesce(input_audio, 0) + coalesce(other_input, 0)
END;

CREATE MACRO ledger.output_tokens(output, reasoning, output_audio, other_output) AS
CASE
    WHEN coalesce(output_audio, other_output) IS NULL THEN coalesce(output + reasoning, output, reasoning)
    ELSE coalesce(output, 0) + coalesce(reasoning, 0) + coalesce(output_audio, 0) + coalesce(other_output, 0)
END;

-- Calls, each with its day and the figures that are summed. The relation has the columns of `ledger.calls`.
CREATE MACRO ledger.call_days(relation) AS TABLE
SELECT
    id,
    started_at,
    ledger.local_day(started_at) AS day,
    service,
    provider,
    request_model,
    response_model,
    currency,
    list_currency,
    price_status,
    1::BIGINT AS calls,
    (usage_source IS NOT DISTINCT FROM 'estimated')::BIGINT AS estimated_calls,
    (tag_set_id IS NULL)::BIGINT AS untagged_calls,
    ledger.input_tokens(input, cache_read, cache_write, cache_write_5m, cache_write_1h, input_audio, other_input) AS input_tokens,
    ledger.output_tokens(output, reasoning, output_audio, other_output) AS output_tokens,
    cache_read AS cache_read_tokens,
    list_cost,
    coalesce(contracted_cost_if_other, list_cost) AS contracted_cost,
    coalesce(effective_cost_if_other, contracted_cost_if_other, list_cost) AS effective_cost
FROM query_table(relation);

-- Their sums by everything that stands before `calls`. Whoever changes `ledger.calls` keeps them, in the same transaction: see
-- meter/ledger/days.py. Tags are not in it: with tags that say a user or a session there would be as many rows as calls.
CREATE TABLE ledger.days (
    day DATE NOT NULL,
    service VARCHAR,
    provider VARCHAR,
    request_model VARCHAR,
    response_model VARCHAR,
    currency VARCHAR,
    list_currency VARCHAR,
    price_status VARCHAR NOT NULL,
    calls BIGINT NOT NULL,
    estimated_calls BIGINT NOT NULL,
    untagged_calls BIGINT NOT NULL,
    input_tokens HUGEINT,
    output_tokens HUGEINT,
    cache_read_tokens HUGEINT,
    list_cost DECIMAL(38, 12),
    contracted_cost DECIMAL(38, 12),
    effective_cost DECIMAL(38, 12)
);

-- The time zone whose days those are; no row while they are not kept.
CREATE TABLE ledger.days_kept (zone VARCHAR NOT NULL, since TIMESTAMPTZ NOT NULL);

-- What is asked: the sums where they are of the time zone in force, else the calls themselves, which take longer and say the same.
-- It is made anew with the sums.
CREATE VIEW ledger.all_days AS
SELECT * EXCLUDE (id, started_at) FROM ledger.call_days('ledger.all_calls');

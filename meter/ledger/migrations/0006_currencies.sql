-- Dated exchange rates, and amounts in one currency.

-- One reading of [currencies], and of the file that it names, each time that it said something else: the newest edition holds,
-- and one without rates takes back those before.
CREATE TABLE ledger.currency_editions (
    edition INTEGER NOT NULL,
    digest VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);

-- A row for each rate and day on which it holds: until the next one of its pair, else for a year from now. So a call finds its
-- rate by equality.
CREATE OR REPLACE VIEW ledger.daily_rates AS
SELECT
    from_currency,
    to_currency,
    unnest(generate_series(valid_from, coalesce(valid_to - 1, greatest(current_date, valid_from) + 366), INTERVAL 1 DAY))::DATE AS day,
    rate,
    valid_from,
    source
FROM (
    SELECT *, lead(valid_from) OVER (PARTITION BY from_currency, to_currency ORDER BY valid_from) AS valid_to
    FROM ledger.exchange_rates
    WHERE edition = (SELECT max(edition) FROM ledger.currency_editions)
);

-- An amount in another currency. 12 decimals times 12 decimals are 24: the product is exact, nothing is rounded, and so the sums of
-- any grouping tie out to the last digit. It costs 4 ns; to round it to 12 decimals would divide 128-bit integers, and cost 1,700.
-- An amount that does not fit (10^14) is unknown: NULL, never a report that fails.
CREATE OR REPLACE MACRO ledger.converted(amount, rate) AS
TRY(amount::DECIMAL(26, 12) * rate::DECIMAL(28, 12));

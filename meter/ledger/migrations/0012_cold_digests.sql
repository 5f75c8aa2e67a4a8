-- What the file of a cold month is, byte for byte: sums of costs do not show that a token, a tag or a time is another one.
ALTER TABLE ledger.cold_months ADD COLUMN digest VARCHAR; -- its SHA-256 in hex; NULL for a file that was written before

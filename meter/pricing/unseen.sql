-- Calls whose usage was not, or not wholly, seen, but of which characters went by. One that failed before any answer is not
-- among them: nobody bills it.
CREATE OR REPLACE TEMP TABLE price_unseen AS
SELECT *
FROM fresh
WHERE source IN ('missing', 'partial') AND (seen_chars > 0 OR (sent_chars > 0 AND status IS DISTINCT FROM 'error'))

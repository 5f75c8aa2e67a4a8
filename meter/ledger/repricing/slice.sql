-- One slice of the calls to be priced anew.
CREATE OR REPLACE TEMP VIEW reprice_slice AS
SELECT rowid AS row_number, *
FROM ledger.calls
WHERE rowid BETWEEN {low} AND {high} AND {condition}

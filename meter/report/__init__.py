"""What the ledger and the spool have to say, as data: reports, totals, status; and how figures look to people."""

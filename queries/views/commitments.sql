-- title: Commitments
-- about: What was bought ahead: how much of it is drawn and left, when it will run out, and what will be left when it expires.
-- Ratios are exact decimals. Who uses a seat is known only where calls carry the tag user.
FROM ledger.commitments_at(now())

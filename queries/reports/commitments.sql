-- title: Commitments
-- about: What was bought ahead and was in force in the period: drawn, left, how well it is used, when it will run out; as of now.
-- param: from = start of the period, with time zone
-- param: to = end of the period, exclusive
-- needs: commitments
SELECT
    contract,
    status,
    bought,
    unit,
    paid,
    currency,
    drawn,
    remaining,
    coverage,
    utilisation,
    run_out_on,
    expected_breakage,
    valid_from,
    valid_to
FROM commitments
WHERE coalesce(valid_from < $to, true) AND coalesce(valid_to > $from, true)
ORDER BY valid_to NULLS LAST, valid_from, contract

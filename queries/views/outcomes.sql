-- title: Outcomes
-- about: What calls achieved and what it was worth; spend joins outcomes over shared tags.
SELECT
    outcomes.id AS outcome_id,
    outcomes.occurred_at,
    outcomes.name,
    outcomes.value,
    outcomes.currency,
    outcomes.quantity,
    outcomes.service,
    outcomes.host,
    outcomes.pid,
    tag_sets.tags,
    replace(outcomes.trace_id::VARCHAR, '-', '') AS trace_id,
    lpad(lower(to_hex(outcomes.span_id)), 16, '0') AS span_id
FROM ledger.outcomes AS outcomes
LEFT JOIN ledger.tag_sets AS tag_sets ON tag_sets.tag_set_id = outcomes.tag_set_id

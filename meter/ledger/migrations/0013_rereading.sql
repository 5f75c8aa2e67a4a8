-- What reading usage objects again changed, by group of calls: sums of each class before and after, estimated ones included.
CREATE TABLE ledger.reread (
    revision_id INTEGER NOT NULL,
    operation VARCHAR,
    provider VARCHAR,
    request_model VARCHAR,
    response_model VARCHAR,
    tag_set_id INTEGER,
    usage_class VARCHAR NOT NULL,
    old_quantity DECIMAL(38, 6) NOT NULL,
    new_quantity DECIMAL(38, 6) NOT NULL
);

-- What is to be added to the tokens of calls as they are read now, to come to their first reading: sums that never fall are of that.
CREATE VIEW ledger.until_reread AS
SELECT
    operation,
    provider,
    request_model,
    response_model,
    sum(old_quantity - new_quantity) FILTER (starts_with(usage_class, 'input') OR starts_with(usage_class, 'cache_'))::BIGINT AS input_tokens,
    sum(old_quantity - new_quantity) FILTER (
        usage_class = 'input_audio' OR usage_class GLOB 'cache_*_audio'
    )::BIGINT AS input_audio_tokens,
    sum(old_quantity - new_quantity) FILTER (starts_with(usage_class, 'cache_read'))::BIGINT AS cache_read_tokens,
    sum(old_quantity - new_quantity) FILTER (starts_with(usage_class, 'cache_write'))::BIGINT AS cache_write_tokens,
    sum(old_quantity - new_quantity) FILTER (
        NOT starts_with(usage_class, 'input') AND NOT starts_with(usage_class, 'cache_')
    )::BIGINT AS output_tokens,
    sum(old_quantity - new_quantity) FILTER (usage_class = 'output_audio')::BIGINT AS output_audio_tokens,
    sum(old_quantity - new_quantity) FILTER (usage_class = 'reasoning')::BIGINT AS reasoning_tokens
FROM ledger.reread
WHERE ledger.is_token(usage_class)
GROUP BY ALL;

-- What differs between two editions of the price book: one row per price (of a class that has its own) and the moment from which
-- it is another. Both books are asked at every moment, hour and input length at which a price of either begins.
WITH old_cards AS (FROM ledger.cards_of_edition($before)),
new_cards AS (FROM ledger.cards_of_edition($after)),
touched AS (
    SELECT
        provider, model,
        CASE WHEN old.digest IS NULL THEN 'added' WHEN new.digest IS NULL THEN 'removed' ELSE 'changed' END AS change
    FROM (SELECT DISTINCT provider, model, digest FROM old_cards) AS old
    FULL JOIN (SELECT DISTINCT provider, model, digest FROM new_cards) AS new USING (provider, model)
    WHERE old.digest IS DISTINCT FROM new.digest
),
both_cards AS (
    SELECT provider, model, conditions, valid_from, day_from_s, input_over FROM old_cards SEMI JOIN touched USING (provider, model)
    UNION
    SELECT provider, model, conditions, valid_from, day_from_s, input_over FROM new_cards SEMI JOIN touched USING (provider, model)
),
-- A card that ends where no other begins ends a price, too.
ends AS (
    SELECT provider, model, conditions, valid_to FROM old_cards WHERE valid_to IS NOT NULL
    UNION
    SELECT provider, model, conditions, valid_to FROM new_cards WHERE valid_to IS NOT NULL
),
points AS (
    SELECT *
    FROM (
        SELECT DISTINCT provider, model, conditions, valid_from FROM both_cards
        UNION
        SELECT provider, model, conditions, valid_to FROM ends SEMI JOIN touched USING (provider, model)
    )
    JOIN (SELECT DISTINCT provider, model, conditions, day_from_s FROM both_cards) USING (provider, model, conditions)
    JOIN (SELECT DISTINCT provider, model, conditions, input_over FROM both_cards) USING (provider, model, conditions)
),
priced AS (
    SELECT
        points.*,
        old.unit_prices AS old_prices, old.fine_prices AS old_fine, old.priced_as AS old_as, old.currency AS old_currency,
        new.unit_prices AS new_prices, new.fine_prices AS new_fine, new.priced_as AS new_as, new.currency AS new_currency,
        new.url AS new_url, old.url AS old_url
    FROM points
    LEFT JOIN old_cards AS old ON old.provider = points.provider AND old.model = points.model
        AND old.conditions = points.conditions
        AND coalesce(old.valid_from, '-infinity') <= coalesce(points.valid_from, '-infinity')
        AND coalesce(old.valid_to, 'infinity') > coalesce(points.valid_from, '-infinity')
        AND old.day_from_s <= points.day_from_s AND old.day_to_s > points.day_from_s
        AND coalesce(old.input_over, -1) <= coalesce(points.input_over, -1)
        AND coalesce(old.input_up_to, 999999999999) > coalesce(points.input_over, -1)
    LEFT JOIN new_cards AS new ON new.provider = points.provider AND new.model = points.model
        AND new.conditions = points.conditions
        AND coalesce(new.valid_from, '-infinity') <= coalesce(points.valid_from, '-infinity')
        AND coalesce(new.valid_to, 'infinity') > coalesce(points.valid_from, '-infinity')
        AND new.day_from_s <= points.day_from_s AND new.day_to_s > points.day_from_s
        AND coalesce(new.input_over, -1) <= coalesce(points.input_over, -1)
        AND coalesce(new.input_up_to, 999999999999) > coalesce(points.input_over, -1)
),
by_class AS (
    SELECT *, unnest(list_distinct(list_concat(coalesce(map_keys(old_prices), []), coalesce(map_keys(new_prices), [])))) AS usage_class
    FROM priced
),
compared AS (
    SELECT
        provider, model, conditions, usage_class, valid_from, day_from_s, input_over,
        coalesce(new_currency, old_currency) AS currency,
        coalesce(new_url, old_url) AS url,
        coalesce(old_fine[usage_class], old_prices[usage_class]::DECIMAL(27, 24)) AS old_price,
        coalesce(new_fine[usage_class], new_prices[usage_class]::DECIMAL(27, 24)) AS new_price,
        (old_prices[usage_class] IS NULL OR old_as[usage_class] IS NOT NULL)
            AND (new_prices[usage_class] IS NULL OR new_as[usage_class] IS NOT NULL) AS is_inherited
    FROM by_class
),
begun AS (
    SELECT *
    FROM compared
    WHERE NOT is_inherited
    WINDOW same AS (
        PARTITION BY provider, model, conditions, usage_class, day_from_s, input_over ORDER BY valid_from NULLS FIRST
    )
    QUALIFY row_number() OVER same = 1
        OR (old_price, new_price) IS DISTINCT FROM (lag(old_price) OVER same, lag(new_price) OVER same)
)
SELECT
    touched.change, begun.provider, begun.model, begun.conditions, begun.usage_class, begun.old_price, begun.new_price,
    begun.currency, begun.valid_from, nullif(begun.day_from_s, 0) AS day_from_s, begun.input_over, begun.url
FROM touched
LEFT JOIN begun ON begun.provider = touched.provider AND begun.model = touched.model
    AND begun.old_price IS DISTINCT FROM begun.new_price
ORDER BY
    list_position(['changed', 'removed', 'added'], touched.change), touched.provider, touched.model, begun.conditions,
    list_position($classes, begun.usage_class), begun.valid_from NULLS FIRST, begun.day_from_s, begun.input_over NULLS FIRST

-- Those of a slice that are read otherwise now, as pricing takes them.
CREATE OR REPLACE TEMP VIEW fresh AS
SELECT
    stored.* REPLACE (
        false AS plain, reread.usage AS usage, reread.source AS source, coalesce(reread.tier, stored.tier) AS tier,
        coalesce(reread.region, stored.region) AS region, coalesce(reread.context, stored.context) AS context,
        coalesce(reread.reported_cost, stored.reported_cost) AS reported_cost,
        coalesce(reread.reported_currency, stored.reported_currency) AS reported_currency
    )
FROM reprice_stored AS stored
JOIN reprice_reread AS reread ON reread.id = stored.id

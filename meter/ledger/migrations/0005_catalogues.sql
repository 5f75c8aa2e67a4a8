-- Catalogues that did not come with the installed package: from a file, or from the network. Their text is kept here, so that
-- every later process matches calls with the same catalogue that the newest cards were made from.

ALTER TABLE ledger.catalogues ADD COLUMN origin VARCHAR;      -- the file's path, or the address; NULL: the installed package
ALTER TABLE ledger.catalogues ADD COLUMN text_digest VARCHAR; -- NULL: the installed package, whose text is not kept

-- One text, however often it was compiled.
CREATE TABLE ledger.catalogue_texts (
    digest VARCHAR NOT NULL,
    content VARCHAR NOT NULL USING COMPRESSION zstd
);

-- Models that a catalogue no longer has. Their cards stay; a model that comes back has new ones.
CREATE TABLE ledger.withdrawals (
    edition INTEGER NOT NULL,
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL
);

-- The price book as it was when an edition was the newest: each model's last cards, but for models withdrawn since.
CREATE MACRO ledger.cards_of_edition(newest) AS TABLE
SELECT cards.*
FROM ledger.rate_cards AS cards
WHERE cards.contract_rules IS NULL
    AND cards.edition <= newest
    AND NOT EXISTS (
        FROM ledger.withdrawals AS gone
        WHERE gone.provider = cards.provider
            AND gone.model = cards.model
            AND gone.edition > cards.edition
            AND gone.edition <= newest
    )
QUALIFY cards.edition = max(cards.edition) OVER (PARTITION BY cards.source, cards.provider, cards.model);

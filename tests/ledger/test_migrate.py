"""The schema: numbered steps, then the views, then the price book."""

from __future__ import annotations

import duckdb
import pytest

from meter.home import Home
from meter.ledger import Ledger, migrate, views
from meter.ledger.store import wal_of
from tests.ledger.records import rows, value


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.version for migration in migrate.known()] == list(range(1, len(migrate.known()) + 1))
    assert (migrate.known()[0].name, migrate.known()[1].name) == ("ledger", "price_book")


def test_each_migration_is_applied_once_and_recorded(ledger: Ledger) -> None:
    with ledger.writing():
        pass
    recorded = rows(ledger, "SELECT version, name FROM ledger.migrations ORDER BY version")
    assert recorded == [(migration.version, migration.name) for migration in migrate.known()]


def test_a_fresh_ledger_leaves_no_definitions_in_its_wal(home: Home) -> None:
    with Ledger(home).writing():
        pass
    assert not wal_of(home.ledger).exists()


def test_a_migration_that_fails_leaves_the_schema_as_it_was(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    next_one = len(migrate.known()) + 1
    good = migrate.Migration(next_one, "good", "CREATE TABLE ledger.good (a INTEGER)")
    bad = migrate.Migration(
        next_one + 1, "bad", "CREATE TABLE ledger.half (a INTEGER); INSERT INTO ledger.nowhere VALUES (1)"
    )
    known = migrate.known()
    monkeypatch.setattr(migrate, "known", lambda: (*known, good, bad))
    with pytest.raises(duckdb.Error), ledger.writing():
        pass
    monkeypatch.setattr(migrate, "known", lambda: (*known, good))
    tables = "SELECT table_name FROM duckdb_tables() WHERE table_name IN ('good', 'half')"
    assert rows(ledger, tables) == [("good",)]
    assert value(ledger, "SELECT max(version) FROM ledger.migrations") == next_one


def test_a_reader_brings_an_older_ledger_up_to_date_where_it_may(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = migrate.Migration(len(migrate.known()) + 1, "added", "CREATE TABLE ledger.added (a INTEGER)")
    known = migrate.known()
    monkeypatch.setattr(migrate, "known", lambda: (*known, added))
    theirs = Ledger(Home(ledger.home.path, shared=True))
    with monkeypatch.context() as patch:
        patch.setattr(Home, "may_write_ledger", False)
        assert value(theirs, "SELECT max(version) FROM ledger.migrations") == len(known)
    assert value(ledger, "SELECT count(*) FROM ledger.added") == 0


def test_views_are_made_anew_when_their_text_has_changed(ledger: Ledger) -> None:
    with ledger.writing() as con:
        con.execute("CREATE OR REPLACE VIEW main.calls AS SELECT 1 AS old")
        con.execute("UPDATE ledger.view_digests SET digest = 'another'")
        assert not views.are_installed(con)
    assert value(ledger, "SELECT count(*) FROM calls") == 0
    with ledger.writing() as con:
        assert not views.install(con)


def test_a_view_stands_after_those_it_needs() -> None:
    names = [view.name for view in views.packaged()]
    assert len(set(names)) == len(names)
    for view in views.packaged():
        assert all(names.index(needed) < names.index(view.name) for needed in view.needs)


def test_each_view_carries_its_title(ledger: Ledger) -> None:
    comments = dict(
        rows(ledger, "SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal")
    )
    assert comments == {view.name: view.title for view in views.packaged() if not view.params}
    assert all(comments.values())

"""Opening the ledger: made where needed, locked first, refused with a sentence where it must be."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from meter import lock
from meter.errors import LedgerLocked, LedgerMissing, LedgerTooNew, MeterError
from meter.home import Home, ensure
from meter.ledger import Ledger, migrate, open_ledger, store
from tests.ledger.records import child, rows, value


def test_a_ledger_is_made_by_the_first_writer_and_read_by_all_others(home: Home) -> None:
    ledger = open_ledger()
    assert ledger.home.path == home.path
    with pytest.raises(LedgerMissing, match="there is no ledger"), ledger.reading():
        pass
    with ledger.writing():
        pass
    assert value(ledger, "SELECT count(*) FROM calls") == 0


def test_a_file_that_was_only_begun_is_missing_for_a_reader_and_made_by_a_writer(home: Home) -> None:
    ensure(home)
    duckdb.connect(str(home.ledger)).close()
    with pytest.raises(LedgerMissing, match="not laid out"), Ledger(home).reading():
        pass
    with Ledger(home).writing():
        pass
    assert value(Ledger(home), "SELECT count(*) FROM calls") == 0


def test_an_empty_file_is_made_a_ledger(home: Home) -> None:
    ensure(home)
    home.ledger.touch()
    with pytest.raises(MeterError), Ledger(home).reading():
        pass
    with Ledger(home).writing() as con:
        assert con.execute("SELECT count(*) FROM calls").fetchall() == [(0,)]


def test_both_versions_of_duckdb_open_the_file_alike(ledger: Ledger) -> None:
    with duckdb.connect(str(ledger.home.ledger), read_only=True) as con:
        tags = con.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'meter'").fetchall()
        assert con.execute("SELECT count(*) FROM calls").fetchall() == [(0,)]
    assert "v1.5.0" in str(tags)


@pytest.mark.parametrize(("shared", "mode"), [(False, 0o600), (True, 0o660)])
def test_file_wal_and_lock_have_the_homes_modes(home: Home, shared: bool, mode: int) -> None:
    home = Home(home.path, shared=shared)
    with Ledger(home).writing() as con:
        con.execute("CREATE TABLE ledger.something AS SELECT 1 AS a")
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.path.glob("*") if path.is_file()}
    assert found == dict.fromkeys(("meter.duckdb", "meter.duckdb.wal", "ledger.lock", "ledger.turn"), mode)


def test_a_ledger_of_a_newer_schema_is_refused_by_readers_and_writers(ledger: Ledger) -> None:
    newest = migrate.known()[-1].version
    with ledger.writing() as con:
        con.execute("INSERT INTO ledger.migrations VALUES (?, 'from the future', now())", [newest + 1])
    for opening in (ledger.reading, ledger.writing):
        with (
            pytest.raises(
                LedgerTooNew, match=rf"has schema {newest + 1}, and this Meter knows schemas up to {newest}"
            ) as caught,
            opening(),
        ):
            pass
        assert caught.value.hint is not None
        assert "upgrade spendmeter" in caught.value.hint


def test_a_file_that_only_a_newer_duckdb_reads_is_refused_with_a_sentence() -> None:
    told = (
        "IO Error: Trying to read a database file with version number 999, but we can only read versions between 64 and 68.\n"
        "The database file was created with an newer version of DuckDB."
    )  # what 1.5.5 says of a file made by 2.0.0 for its own storage version
    refused = store._refused(Path("meter.duckdb"), told)
    assert isinstance(refused, LedgerTooNew)
    assert (refused.message, refused.hint) == (
        f"meter.duckdb was written by a newer DuckDB than {duckdb.__version__}",
        "upgrade duckdb",
    )


def test_a_damaged_file_is_refused_with_a_sentence(ledger: Ledger) -> None:
    content = bytearray(ledger.home.ledger.read_bytes())
    content[12] ^= 255
    ledger.home.ledger.write_bytes(content)
    with pytest.raises(MeterError, match="cannot be opened") as caught, ledger.reading():
        pass
    assert not isinstance(caught.value, LedgerTooNew)
    assert str(ledger.home.ledger) in caught.value.message


def test_a_ledger_is_let_go_of_whatever_was_done_to_its_connection(ledger: Ledger) -> None:
    with ledger.reading() as con:
        con.close()
    with pytest.raises(duckdb.Error), ledger.reading() as con:
        con.execute("BEGIN")
        con.execute("SELECT error('in a transaction')").fetchall()
    with ledger.reading() as con:
        con.execute("SELECT i FROM calls, range(100000) AS r(i)").fetchone()
    with ledger.writing(timeout_s=0):
        pass


def test_a_file_that_is_no_ledger_is_refused_with_a_sentence(home: Home) -> None:
    ensure(home)
    home.ledger.write_bytes(b"something else entirely" * 1000)
    with pytest.raises(MeterError, match="cannot be opened") as caught, Ledger(home).writing():
        pass
    assert caught.value.hint is not None


OPEN_THE_FILE = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
sys.stdin.readline()
"""


def test_a_program_that_does_not_wait_its_turn_is_named(ledger: Ledger) -> None:
    with child(OPEN_THE_FILE, ledger.home.ledger) as foreign:
        assert foreign.stdout is not None and foreign.stdin is not None
        assert foreign.stdout.readline() == b"open\n"
        with (
            pytest.raises(LedgerLocked, match=rf"does not wait its turn \(pid {foreign.pid}\)"),
            ledger.writing(timeout_s=0.1),
        ):
            pass
        if lock.LOCKS.exists():
            assert lock.holders(ledger.home.ledger) == [foreign.pid]
        foreign.stdin.close()
        foreign.wait()
        with ledger.writing():
            pass


TAKE_THE_LEDGER = """
import sys
from pathlib import Path
from meter.errors import LedgerLocked
from meter.home import Home
from meter.ledger import Ledger
try:
    with Ledger(Home(Path(sys.argv[1]))).writing(timeout_s=0.1):
        print("written")
except LedgerLocked as error:
    print("locked")
"""


def test_opening_and_closing_the_file_inside_the_writer_lets_no_second_writer_in(ledger: Ledger) -> None:
    def second_writer() -> bytes:
        return child(TAKE_THE_LEDGER, ledger.home.path).communicate()[0]

    with ledger.writing() as con:
        con.execute("BEGIN")
        ledger.home.ledger.open("rb").close()  # drops DuckDB's own lock
        assert second_writer() == b"locked\n"
        con.execute("COMMIT")
    assert second_writer() == b"written\n"


def test_readers_share_the_ledger_and_a_writer_waits_for_them(ledger: Ledger) -> None:
    with ledger.reading() as one, ledger.reading() as other:
        assert (
            one.execute("SELECT count(*) FROM calls").fetchall()
            == other.execute("SELECT count(*) FROM calls").fetchall()
        )
        with pytest.raises(LedgerLocked), ledger.writing(timeout_s=0):
            pass
    with ledger.writing(timeout_s=0):
        pass


def test_a_reader_cannot_write(ledger: Ledger) -> None:
    with ledger.reading() as con, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        con.execute("DELETE FROM ledger.calls")


@pytest.mark.parametrize(
    ("text", "zone"), [(None, "UTC"), ("[period]\ntimezone = 'Europe/Berlin'", "Europe/Berlin"), ("period = 3", "UTC")]
)
def test_every_connection_has_the_ledgers_time_zone(ledger: Ledger, text: str | None, zone: str) -> None:
    if text is not None:
        ledger.home.config.write_text(text)
    assert value(ledger, "SELECT current_setting('TimeZone')") == zone
    with ledger.writing() as con:
        assert con.execute("SELECT current_setting('TimeZone')").fetchall() == [(zone,)]


def test_an_unknown_time_zone_is_refused_and_the_last_known_one_holds(ledger: Ledger) -> None:
    ledger.home.config.write_text("[period]\ntimezone = 'Asia/Tokyo'")
    with ledger.writing():
        pass
    ledger.home.config.write_text("[period]\ntimezone = 'Middle/Earth'")
    assert value(ledger, "SELECT current_setting('TimeZone')") == "Asia/Tokyo"
    assert ledger.refused is not None
    assert "timezone = 'Middle/Earth' is no time zone" in ledger.refused.message


def test_a_short_wal_stays_and_a_long_one_is_folded_into_the_file(ledger: Ledger) -> None:
    wal = store.wal_of(ledger.home.ledger)
    with ledger.writing() as con:
        con.execute("CREATE TABLE ledger.something AS SELECT i FROM range(10) AS r(i)")
    assert 0 < wal.stat().st_size < store.WAL_BYTES
    with ledger.writing() as con:
        for _ in range(40):  # each shorter than a row group, which would go past the WAL
            con.execute("INSERT INTO ledger.something SELECT (hash(i) % 1000000007)::BIGINT FROM range(29000) AS r(i)")
        assert wal.stat().st_size > store.WAL_BYTES
    assert not wal.exists() or wal.stat().st_size == 0
    assert value(ledger, "SELECT count(*) FROM ledger.something") == 10 + 40 * 29_000


def test_what_is_committed_survives_and_what_is_not_is_undone(ledger: Ledger) -> None:
    with pytest.raises(KeyError), ledger.writing() as con:
        con.execute("CREATE TABLE ledger.something AS SELECT 1 AS a")
        con.execute("BEGIN")
        con.execute("INSERT INTO ledger.something VALUES (2)")
        raise KeyError
    assert rows(ledger, "FROM ledger.something") == [(1,)]


def test_a_path_with_a_quote_in_it_is_a_path(tmp_path: Path, laid_out: Path) -> None:
    home = Home(tmp_path / "it's")
    ensure(home)
    home.ledger.write_bytes(laid_out.read_bytes())
    assert value(Ledger(home), "SELECT count(*) FROM calls") == 0

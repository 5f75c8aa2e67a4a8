"""Opening the ledger: the lock first, then the file.

The file is attached to an in-memory DuckDB rather than opened as its main database. So it can be let go of while the connection
lives on (`connect`), and its row groups can be small: a bulk insert then writes compressed blocks at once instead of going
through the WAL (half the time of an ingest), and a checkpoint after a few rows rewrites 3 MB and not 12.
"""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from meter import home as homes
from meter import lock, pricing, settings
from meter.errors import ColdFileMissing, LedgerLocked, LedgerMissing, LedgerTooNew, MeterError, SettingInvalid
from meter.home import Home
from meter.ledger import cold, days, migrate
from meter.ledger.transaction import quoted
from meter.pricing import contracts, currencies

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STORAGE_VERSION = "v1.5.0"
"""DuckDB 1.5 and 2 open such a file alike; without it 1.5 refuses a file that 2 made."""
ROW_GROUP_ROWS = 32_768
"""So many values of 8 bytes fill a block. A catching-up batch holds two or more row groups."""
CATALOG = "meter"
"""What DuckDB itself would call the default file."""

WAL_BYTES = 8 << 20
"""A longer WAL is folded into the file when the ledger is let go of.

At 100 calls a second that makes 1.1 bytes written per byte of spool, and 1.7 with a quarter of it; opening such a ledger takes a
reader 40 ms more.
"""
WAIT_S = 10.0
PAUSE_S = 0.05
BRIEFLY_S = 0.5
"""So long a reader waits to take in what meter.toml says newly."""

_BUSY = re.compile(r"Could not set lock on file|Conflicting lock|being used by another process", re.IGNORECASE)
_BUSY_PID = re.compile(r"\(PID (\d+)\)")
_FROM_THE_FUTURE = re.compile(r"with version number|newer version of DuckDB", re.IGNORECASE)
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false"
}  # nothing of ours comes from the network


class Ledger:
    """The ledger of one home."""

    def __init__(self, home: Home | None = None) -> None:
        self.home = home or homes.find()
        self.refused: SettingInvalid | None = None
        """What is wrong with meter.toml, as of the last opening: prices and time zone are then those of the last sound one."""
        self.has_new_terms = False
        """Whether a writing took in contracts or aliases that are new: calls that were there before have their old prices."""
        self.has_other_months = False
        """Whether it took in another wording of what contracts settle by the month: past months follow it, too."""
        self._unreadable: SettingInvalid | None = None

    @contextmanager
    def writing(self, timeout_s: float = WAIT_S) -> Iterator[DuckDBPyConnection]:
        """Hand out the one writing connection, on a ledger that is made and migrated where needed.

        Raises LedgerLocked when others hold it for longer than `timeout_s`, LedgerTooNew, SpoolUnsafe.
        """
        homes.ensure(self.home)
        deadline = time.monotonic() + timeout_s
        with lock.held(self.home.lock, exclusive=True, timeout_s=timeout_s, mode=self.home.ledger_mode):
            try:
                with self._in_memory() as con:
                    attach(con, self.home.ledger, read_only=False, deadline=deadline)
                    self._fit_time_zone(con)
                    migrate.migrate(con)
                    self._take_configuration(con)
                    yield con
                    fold(con, self.home.ledger, WAL_BYTES)
            finally:
                self._fit_modes()

    @contextmanager
    def reading(self, timeout_s: float = WAIT_S, *, for_check: bool = False) -> Iterator[DuckDBPyConnection]:
        """Hand out a read-only connection. Writers wait as long as it is open, so keep it short; `connect` need not be.

        `for_check` leaves what meter.toml says newly to a command that also tells what it does not reach.
        Raises LedgerMissing, LedgerLocked, LedgerTooNew, ColdFileMissing.
        """
        with self._opened(timeout_s) as con:
            is_readable = not self.home.may_write_ledger or migrate.is_current(con)
            if is_readable and (for_check or not self.home.may_write_ledger or self._is_configured(con)):
                yield con
                return
        try:
            with self.writing(min(timeout_s, BRIEFLY_S) if is_readable else timeout_s):
                pass
        except LedgerLocked:
            if not is_readable:
                raise  # else what meter.toml says newly is taken in by the next one
        with self._opened(timeout_s) as con:
            yield con

    def review(self, timeout_s: float = BRIEFLY_S) -> None:
        """Find out what is wrong with meter.toml (`refused`), where nobody has opened the ledger for anything else.

        Raises LedgerTooNew; a ledger that is held, or whose cold files are missing, only leaves the contracts unread.
        """
        with suppress(LedgerMissing, LedgerLocked, ColdFileMissing), self.reading(timeout_s):
            pass

    @contextmanager
    def attached(self, con: DuckDBPyConnection, timeout_s: float = WAIT_S) -> Iterator[None]:
        """Attach the ledger to a connection, read-only and under the shared lock, and detach it."""
        if not self.home.ledger.exists():
            raise LedgerMissing(
                f"there is no ledger in {self.home.path} yet",
                hint="put `import meter.auto` into a service, or try: meter demo",
            )
        deadline = time.monotonic() + timeout_s
        with lock.held(self.home.lock, exclusive=False, timeout_s=timeout_s, mode=self.home.ledger_mode):
            attach(con, self.home.ledger, read_only=True, deadline=deadline)
            try:
                if migrate.check(con) == 0:
                    raise LedgerMissing(f"the ledger in {self.home.path} is not laid out yet", hint="run: meter ingest")
                cold.point(con)
                yield
            finally:
                detach(con)

    @contextmanager
    def _opened(self, timeout_s: float) -> Iterator[DuckDBPyConnection]:
        with self._in_memory() as con, self.attached(con, timeout_s):
            self._fit_time_zone(con)
            yield con

    @contextmanager
    def _in_memory(self) -> Iterator[DuckDBPyConnection]:
        """Hand out a connection to attach the ledger to. Whatever is wrong with meter.toml, the ledger can be opened."""
        self._unreadable = None
        try:
            con = in_memory(self.home)
        except SettingInvalid as error:
            self.refused = self._unreadable = error
            con = in_memory(self.home, "UTC")
        with closing(con):
            yield con

    def _fit_time_zone(self, con: DuckDBPyConnection) -> None:
        """Where meter.toml cannot say it, go by the time zone of the last one that could."""
        if self._unreadable is not None and (zone := days.last_zone(con)) is not None:
            con.execute(f"SET TimeZone = {quoted(zone)}")

    def _is_configured(self, con: DuckDBPyConnection) -> bool:
        """Tell whether nothing of meter.toml is to be taken in before reading: a rate just stated holds for reports at once."""
        config = self.home.config
        return currencies.is_current(con, config) and contracts.is_current(con, config)

    def _take_configuration(self, con: DuckDBPyConnection) -> None:
        """Take meter.toml's word on prices; a file that is wrong changes nothing: the last sound word stays in force."""
        self.refused = self._unreadable
        with self._refusing():
            currencies.refresh(con, self.home.config)
        with self._refusing():
            if pricing.configure(con, self.home.config):
                ((self.has_new_terms,),) = con.execute("SELECT count(*) > 0 FROM ledger.calls").fetchall()
                self.has_other_months = contracts.changed_months(con)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Keep what is wrong with one part of the file; the other part is taken all the same."""
        try:
            yield
        except SettingInvalid as error:
            self.refused = error

    def _fit_modes(self) -> None:
        """Give the file and its WAL their modes: DuckDB makes both with the umask's."""
        for path in (self.home.ledger, wal_of(self.home.ledger)):
            with suppress(OSError):  # gone, or another user's
                if stat.S_IMODE(path.stat().st_mode) != self.home.ledger_mode:
                    path.chmod(self.home.ledger_mode)


def open_ledger(home: Home | None = None) -> Ledger:
    """Return the ledger of a home, by default of the one in force. Nothing is opened yet."""
    return Ledger(home)


def in_memory(home: Home, zone: str | None = None) -> DuckDBPyConnection:
    """Return an in-memory connection with our settings, to which a ledger can be attached.

    Its time zone is that of `[period] timezone` in meter.toml, else UTC. Raises SettingInvalid for a file that cannot be read,
    and for a zone that is unknown; with `zone`, that one, and no file is read.
    """
    con = duckdb.connect(":memory:", config={**_CONFIG, "temp_directory": f"{home.ledger}.tmp"})
    con.execute("PRAGMA disable_checkpoint_on_shutdown")
    con.execute("SET checkpoint_threshold = '1TB'")  # when to checkpoint is decided here: see fold
    zone = _time_zone(home) if zone is None else zone
    try:
        con.execute(f"SET TimeZone = {quoted(zone)}")
    except duckdb.Error as error:
        raise SettingInvalid(
            f"{home.config}: [period] timezone = {zone!r} is no time zone", hint='write one such as "Europe/Berlin"'
        ) from error
    return con


def _time_zone(home: Home) -> str:
    period = settings.load_toml(home.config).get("period", {}) if home.config.exists() else {}
    return str(period.get("timezone", "UTC")) if isinstance(period, dict) else "UTC"


def attach(con: DuckDBPyConnection, path: Path, *, read_only: bool, deadline: float) -> None:
    """Attach the file as the default database; wait for a foreign holder until the deadline.

    Raises LedgerLocked, LedgerTooNew (a file that only a newer DuckDB can read), MeterError.
    """
    options = "READ_ONLY" if read_only else f"ROW_GROUP_SIZE {ROW_GROUP_ROWS}{_storage_version(path)}"
    while True:
        try:
            con.execute(f"ATTACH {quoted(path)} AS {CATALOG} ({options})")
            break
        except duckdb.Error as error:
            text = str(error)
            if not _BUSY.search(text):
                raise _refused(path, text) from error
            if time.monotonic() >= deadline:
                raise LedgerLocked(_holder(path, text), hint=lock.HINT) from error
            time.sleep(PAUSE_S)
    con.execute(f"USE {CATALOG}")


def _storage_version(path: Path) -> str:
    """Ask for the version when the file is made; one that is there keeps its own."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > 0:
            return ""
        path.unlink()  # left by one who was killed while making it; DuckDB refuses it
    return f", STORAGE_VERSION '{STORAGE_VERSION}'"


def detach(con: DuckDBPyConnection) -> None:
    """Let go of the file, at once and whatever the connection was left in: the lock goes next."""
    try:
        con.execute("USE memory")
        con.execute(f"DETACH {CATALOG}")
    except duckdb.Error:
        con.close()


def fold(con: DuckDBPyConnection, path: Path, wal_bytes: int) -> None:
    """Fold the WAL into the file once it is longer than that.

    A checkpoint at each close would write the last row group again and again: 14 to 20 times the spool's bytes.
    """
    with suppress(FileNotFoundError):
        if wal_of(path).stat().st_size > wal_bytes:
            con.execute("CHECKPOINT")


def wal_of(path: Path) -> Path:
    """Return where DuckDB keeps what is committed and not yet in the file."""
    return path.with_name(path.name + ".wal")


def _holder(path: Path, text: str) -> str:
    found = _BUSY_PID.search(text)
    pids = found[1] if found else ", ".join(map(str, lock.holders(path))) or "unknown"
    return f"{path} is open in a program that does not wait its turn (pid {pids})"


def _refused(path: Path, text: str) -> MeterError:
    if _FROM_THE_FUTURE.search(text):
        return LedgerTooNew(f"{path} was written by a newer DuckDB than {duckdb.__version__}", hint="upgrade duckdb")
    return MeterError(f"{path} cannot be opened: {text}", hint="is it a ledger, and may this user read it?")

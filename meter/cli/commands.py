"""The table of commands. Help is printed from it alone; a command's module is imported when the command runs."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command: its name, the module of `meter.cli` whose `command` it is, and its line in `meter --help`."""

    name: str
    module: str
    short_help: str


GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Start",
        (
            Entry("demo", "demo", "A small fleet on a simulator, a year of history: all without a key."),
            Entry("doctor", "doctor", "What is metered here, what is wrong, and how to mend it."),
            Entry("config", "config", "Write or check meter.toml."),
        ),
    ),
    (
        "Read",
        (
            Entry("spend", "spend", "Spend by team, model or any tag."),
            Entry("sql", "sql", "Ask the ledger anything, in SQL."),
            Entry("report", "report", "A month's report, such as the chargeback."),
            Entry("prices", "prices", "The price book, and how one call was priced."),
            Entry("risk", "risk", "The month's spend if providers passed on their losses."),
        ),
    ),
    (
        "Run",
        (
            Entry("ingest", "ingest", "Move what services recorded into the ledger."),
            Entry("status", "status", "Lag, lost calls, dead letters, who holds the ledger."),
            Entry("reprice", "reprice", "Price calls anew with what is known now, as a revision."),
            Entry("agent", "agent", "Ingest and export."),
            Entry("export", "export", "Move old months into Parquet files, and back."),
            Entry("compact", "compact", "Write the ledger's file anew, smaller and in order."),
        ),
    ),
)

COMMANDS = {entry.name: entry for _, entries in GROUPS for entry in entries}

EXAMPLES = """\b
Examples:
  meter demo                                see it all work, without a key
  meter spend --by team,model --since 7d    where the money went
  meter report chargeback --month 2026-10   what each team owes
  meter sql "FROM spend_daily ORDER BY day" anything else
"""

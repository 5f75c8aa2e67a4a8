"""The spool: segments nobody can read, room, calls that were lost, and metering steps that failed."""

from __future__ import annotations

from collections.abc import Iterator

from meter.doctor.finding import Finding, note, ok, wrong
from meter.report.numbers import plural, size
from meter.report.status import RECENT_DAYS, Status, spool_limit

NEARLY_FULL = 0.8


def check_spool(found: Status) -> Iterator[Finding]:
    """Look at the segments, and at what their writers say of themselves."""
    if found.unreadable:
        names = [segment.path.name for segment in found.found if not segment.readable]
        yield wrong(
            "spool",
            f"{plural(found.unreadable, 'segment')} may not be read, so their calls are missing: {', '.join(names[:3])}",
            "let the agent's user into the group that owns the home, or mend the files' modes; remove what is no segment",
        )
    detail = f"{plural(len(found.found), 'segment')}, {size(found.spool_bytes)} of {size(spool_limit())}"
    if found.spool_bytes > NEARLY_FULL * spool_limit():
        yield wrong("spool", f"{detail}; beyond that calls are lost", "run meter ingest, or start the agent")
    else:
        yield ok("spool", detail)
    yield from _losses(found)


def _losses(found: Status) -> Iterator[Finding]:
    if found.lost_recently:
        yield wrong(
            "lost",
            f"{plural(found.lost_recently, 'record')} could not be written in {RECENT_DAYS} days",
            "see the rows disk and spool",
        )
    for server, count in found.unmetered.most_common(10):
        yield note(
            "unmetered",
            f"{plural(count, 'call')} to {server} in {RECENT_DAYS} days without an SDK: counted, and in no total",
            "METER_WIRE=1 meters what httpx, requests and aiohttp send; or call meter.record",
        )
    for step, count in found.failures.most_common(10):
        if step.startswith("hook."):
            yield wrong(
                "hooks",
                f"{plural(count, 'time')} a service found nothing to wrap at {step[5:]}: calls there go unmetered",
                "run meter doctor where that service runs: it says which versions are tested",
            )
            continue
        yield wrong(
            "failures",
            f"metering step {step} failed {plural(count, 'time')}; the model calls themselves were not affected",
            'the traceback is in the service\'s log, from the logger "meter"',
        )
    if not found.lost_recently and not found.failures:
        yield ok("failures", "nothing lost, no metering step failed")

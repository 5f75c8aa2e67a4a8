"""Thirteen months of synthetic history, written as ordinary spool lines and labelled as what they are.

Every line carries the host `synthetic-…`, and every tagged one the tag `synthetic=demo`; untagged calls stay untagged, or
the demo could not show them. The same seed, day and size give the same lines with the same ids.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from random import Random

from meter import event
from meter.demo.workloads import WORKLOADS, Workload
from meter.simulator import SNAPSHOTS
from meter.spool import Writer

MONTHS = 13
LABEL = {"synthetic": "demo"}
HOST = "synthetic-1"

_HOUR_WEIGHTS = {
    "office": [0, 0, 0, 0, 0, 0, 1, 4, 9, 12, 12, 10, 7, 10, 12, 11, 9, 6, 3, 1, 1, 0, 0, 0],
    "day": [3, 2, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 10, 11, 11, 9, 7, 5],
    "night": [14, 14, 12, 10, 6, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 6, 10, 13],
}
_WEEKDAY_WEIGHTS = [0.96, 1.04, 1.05, 1.02, 0.93, 0.0, 0.0]  # the weekend's come from the workload
_FAILED = 0.012
_ABORTED = 0.02  # of the streams
_ERRORS = ("RateLimitError", "InternalServerError", "APITimeoutError", "BadRequestError")


@dataclass(frozen=True)
class History:
    """What was written."""

    calls: int
    outcomes: int
    first_day: date
    last_day: date


def write(
    folder: Path,
    *,
    now: datetime,
    calls: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> History:
    """Write the history that ends at `now` into a spool folder; progress counts days."""
    days = list(_days(now))
    written = {"call": 0, "outcome": 0}
    writer = Writer(folder, first_line=lambda: _process_line(now))
    try:
        for done, (_, records) in enumerate(lines(now=now, calls=calls, seed=seed), start=1):
            for record in records:
                writer.append(event.encode(record))
                written["call" if isinstance(record, event.Call) else "outcome"] += 1
            progress(done, len(days))
    finally:
        writer.close()
    return History(written["call"], written["outcome"], days[0], days[-1])


def lines(*, now: datetime, calls: int, seed: int) -> Iterator[tuple[date, list[event.Call | event.Outcome]]]:
    """Yield each day's records, in the order of time; none lies after `now`."""
    days = list(_days(now))
    plan = [(day, load, _weight(day, days[0], load, seed)) for day in days for load in WORKLOADS]
    scale = calls / sum(weight for _, _, weight in plan)
    end = _us(now)
    for day in days:
        records: list[event.Call | event.Outcome] = []
        for load in WORKLOADS:
            dice = Random(f"{seed} {day} {load.service} {load.feature}")
            count = int(_weight(day, days[0], load, seed) * scale + dice.random())
            for hour in dice.choices(range(24), _HOUR_WEIGHTS[load.hours], k=count):
                records += _records(dice, load, day, hour)
        records.sort(key=lambda record: record.ts)
        yield day, [record for record in records if record.ts < end]


def first_day(now: datetime) -> date:
    """Return the first of the month thirteen months back, so that thirteen whole months lie before this one."""
    months = now.year * 12 + now.month - 1 - MONTHS
    return date(months // 12, months % 12 + 1, 1)


def _days(now: datetime) -> Iterator[date]:
    day = first_day(now)
    while day <= now.date():
        yield day
        day += timedelta(days=1)


def _weight(day: date, start: date, load: Workload, seed: int) -> float:
    weekday = _WEEKDAY_WEIGHTS[day.weekday()] or load.weekend
    growth = math.pow(1 + load.growth, (day - start).days / 30.4)
    return load.calls * weekday * growth * Random(f"{seed} {day} {load.feature}").uniform(0.88, 1.12)


def _records(dice: Random, load: Workload, day: date, hour: int) -> Iterator[event.Call | event.Outcome]:
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=timezone.utc)
    ts = _us(moment) + dice.randrange(3_600_000_000)
    call = event.Call(event.SCHEMA, _id(dice, ts), ts)
    _describe(call, dice, load, day)
    fate = dice.random()
    if fate < _FAILED:
        call.status, call.error, call.attempts, call.source = "error", dice.choice(_ERRORS), 3, "missing"
        call.billed = call.error == "APITimeoutError"  # the provider may have finished what nobody waited for
        call.dur = dice.randrange(300_000, 9_000_000)
    else:
        _measure(call, dice, load)
        if load.stream and fate < _FAILED + _ABORTED:
            _abort(call, dice)
    yield call
    if load.worth and call.status == "ok" and dice.random() < load.worth.share:
        later = ts + (call.dur or 0) + dice.randrange(60_000_000)
        yield event.Outcome(
            event.SCHEMA, _id(dice, later), later, load.worth.name, load.worth.value, "USD", "1",
            load.service, HOST, call.pid, call.tags,
        )  # fmt: skip


def _describe(call: event.Call, dice: Random, load: Workload, day: date) -> None:
    """Say who called what."""
    model = [name for since, name in load.models if since <= day.isoformat()][-1]
    call.service, call.host, call.pid = load.service, HOST, 1000 + dice.randrange(4)
    call.provider, call.server, call.operation, call.api = load.provider, load.server, load.operation, load.api
    call.request_model, call.response_model = model, SNAPSHOTS.get(model, model)
    call.response_id = f"resp_{dice.getrandbits(96):024x}"
    call.account, call.project = f"org-{load.provider}", f"proj_{load.service}"
    call.key = sha256(f"{load.provider} {load.service}".encode()).hexdigest()[:12]
    call.region, call.stream = load.region, load.stream
    if load.team:
        tags = {"team": load.team, "feature": load.feature, "cost_center": load.cost_center}
        if load.customers:  # the first customers call most
            tags["customer"] = f"customer-{int(load.customers * dice.random() ** 2) + 1:02d}"
        call.tags = tags | LABEL


def _measure(call: event.Call, dice: Random, load: Workload) -> None:
    """Say what a finished call used."""
    total = max(8, int(load.input * dice.lognormvariate(0, 0.55)))
    output = int(load.output * dice.lognormvariate(0, 0.6)) + 1 if load.output else 0
    cached = min(int(total * load.cached * dice.uniform(0.2, 1.25)), int(total * 0.95)) // 64 * 64
    written = min(int(total * load.cache_written * dice.uniform(0.0, 2.0)), total - cached)
    reasoning = int(output * load.reasoning * dice.uniform(0.4, 1.4)) if load.reasoning else 0
    usage: dict[str, int | float] = {"input": total - cached - written}
    if load.cached:
        usage["cache_read"] = cached
    if load.cache_written:
        usage |= {"cache_write_5m": written, "cache_write_1h": 0}
    if load.output:
        usage["output"] = output - reasoning
    if load.reasoning:
        usage["reasoning"] = reasoning
    if dice.random() < load.searches:
        usage["web_searches"] = dice.randint(1, 3)
    call.usage, call.source, call.status, call.attempts = usage, "reported", "ok", 1 + (dice.random() < 0.01)
    call.ttft = int(dice.lognormvariate(0, 0.4) * 380_000) if load.stream else None
    call.dur = int((0.25 + output / 90) * dice.uniform(0.7, 1.5) * 1_000_000)
    call.chunks = output // 2 + 2 if load.stream else None


def _abort(call: event.Call, dice: Random) -> None:
    """Cut a stream short: the input is known where the provider states it first, the rest only in characters seen."""
    call.status, call.error = "aborted", None
    share = dice.uniform(0.1, 0.9)
    tokens = call.usage or {}
    call.seen_chars = int(4 * share * (tokens.get("output", 0)))
    call.sent_chars = int(4 * sum(count for name, count in tokens.items() if name not in ("output", "reasoning")))
    call.dur, call.chunks = int((call.dur or 0) * share), int((call.chunks or 0) * share)
    if call.provider == "anthropic":
        call.source, call.usage = "partial", {name: count for name, count in tokens.items() if name != "output"}
    else:
        call.source, call.usage = "missing", None


def _process_line(now: datetime) -> bytes:
    ts = _us(now)
    return event.encode(event.Process(event.SCHEMA, event.new_id(ts), ts, "synthetic-history", HOST))


def _us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _id(dice: Random, ts: int) -> str:
    return f"{ts // 1000:012x}{dice.getrandbits(80):020x}"

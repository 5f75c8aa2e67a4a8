"""Metering that fails: counted and told, and nothing of it reaches the model call."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from meter import guard
from meter.errors import BudgetExceeded
from meter.spool import Writer


def fail() -> None:
    with guard.shield("step"):
        raise RuntimeError("ours")


@pytest.fixture(params=["a filter", "a handler"])
def hostile_logging(request: pytest.FixtureRequest) -> Iterator[None]:
    """A service whose logging raises."""

    class Filter(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("theirs")

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("theirs")

    ours, hostile, handler = [logging.getLogger(name) for name in ("meter", "meter.spool")], Filter(), Handler()
    for logger in ours:
        if request.param == "a filter":
            logger.addFilter(hostile)
        else:
            logger.addHandler(handler)
    yield
    for logger in ours:
        logger.removeFilter(hostile)
        logger.removeHandler(handler)


def test_a_failure_is_counted_and_the_first_few_are_told(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(1000):
        fail()
        guard.note("fault")
    assert guard.failures == {"step": 1000, "fault": 1000}
    assert len(caplog.records) == 8
    assert caplog.records[0].exc_info is not None


def test_a_budget_is_the_one_thing_that_passes() -> None:
    with pytest.raises(BudgetExceeded), guard.shield("step"):
        raise BudgetExceeded("too much")
    assert guard.failures == {}


def test_a_services_logging_that_raises_stays_here(hostile_logging: None) -> None:
    fail()
    guard.note("fault")
    assert guard.failures == {"step": 1, "fault": 1, "log": 2}


def test_neither_does_a_lost_record_raise_where_logging_does(hostile_logging: None, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "missing")
    assert not writer.append(b"one")
    assert guard.failures == {"log": 1}

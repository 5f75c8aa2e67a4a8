"""A stream that breaks off, from every SDK: what is needed to estimate it is recorded, and no count that was never stated."""

from __future__ import annotations

from contextlib import suppress
from itertools import accumulate

import pytest

from meter.doctor.trials import Trial
from meter.home import Home
from meter.simulator import Simulator
from meter.simulator.wire import WORDS
from tests.instrument.vendors.reading import classes, settled
from tests.instrument.vendors.test_trials import run, streams

pytestmark = pytest.mark.filterwarnings("ignore")

PING = len("ping")
SEEN = set(accumulate(map(len, WORDS)))
AS_IT_GOES = ("gemini.generate_content",)
"""Wires that state the output so far with every piece."""


@streams
def test_the_characters_of_a_broken_stream_are_counted(trial: Trial, metered: Home, sim: Simulator) -> None:
    sim.fault = "cut-mid-body"
    with suppress(Exception):
        run(trial, sim.url)
    line = settled(metered)
    assert (line["sent_chars"], line["seen_chars"] in SEEN) == (PING, True)
    assert line["source"] == ("partial" if classes(line) else "missing")
    assert ("output" in classes(line)) == (line["api"] in AS_IT_GOES)

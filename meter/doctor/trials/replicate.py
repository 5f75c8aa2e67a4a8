"""Replicate's SDK."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import Trial

SDK = "replicate"
MODEL = "meta/llama"
PROMPT = {"prompt": "ping"}
USAGE = {"input": 8, "output": 5, "requests": 1}


def client(url: str) -> Any:
    """Return a client of the simulator."""
    from replicate import Client

    return Client(api_token="sim", base_url=url)


def run(url: str) -> Any:
    """A prediction that is waited for."""
    return client(url).run(MODEL, input=PROMPT)


async def run_async(url: str) -> Any:
    """The same, asynchronously."""
    return await client(url).async_run(MODEL, input=PROMPT)


TRIALS = (Trial(SDK, "run", run, USAGE), Trial(SDK, "run, async", run_async, USAGE))

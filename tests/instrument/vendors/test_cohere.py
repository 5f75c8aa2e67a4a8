"""Cohere's SDK, where the calls of the self-test do not show what is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from meter import guard
from meter.doctor.trials.cohere import CHAT, async_client, client
from meter.home import Home
from meter.instrument.live import link
from tests.instrument.vendors.reading import only

pytest.importorskip("cohere")

pytestmark = pytest.mark.filterwarnings("ignore")

NOWHERE = "http://127.0.0.1:1"


def streamed() -> Any:
    with pytest.raises(Exception, match=r"(?i)connect|refused"):
        list(client(NOWHERE).chat_stream(**CHAT))
    return link.get()


async def streamed_async() -> Any:
    with pytest.raises(Exception, match=r"(?i)connect|refused"):
        async for _ in async_client(NOWHERE).chat_stream(**CHAT):
            pass
    return link.get()


@pytest.mark.parametrize("way", [streamed, lambda: asyncio.run(streamed_async())], ids=["sync", "async"])
def test_a_stream_that_could_not_be_opened_leaves_nothing_behind(way: Any, metered: Home) -> None:
    assert way() is None
    line = only(metered)
    assert (line["status"], line["billed"]) == ("error", False)
    assert guard.failures == {}

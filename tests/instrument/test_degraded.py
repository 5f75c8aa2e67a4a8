"""With a private place gone, the other places still find what they can."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from meter import guard, instrument
from meter.home import Home
from meter.instrument import presence
from meter.instrument.patches import Patch
from meter.providers.model import Provider
from meter.simulator import Simulator
from tests.instrument import ways
from tests.instrument.sdks import SDKS, Sdk, classes, only

EVENT_WAYS = (ways.stream_for, ways.stream_next)


@pytest.fixture
def without(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, home: Home) -> Iterator[None]:
    """Meter with places that this version of the SDK does not have under the names that Meter knows."""
    from meter.instrument import patches

    for name in request.param:
        real = patches.Patch._apply

        def apply(self: Any, module: Any, name: str = name, real: Any = real) -> None:
            if self.name.endswith(name):
                self._set("missing", "a version of another time")
            else:
                real(self, module)

        monkeypatch.setattr(patches.Patch, "_apply", apply)
    fresh(monkeypatch)
    instrument.install()
    yield
    instrument.uninstall()


def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget patches of earlier tests: they remember which places are there."""
    monkeypatch.setattr(instrument, "_patches", {})
    monkeypatch.setattr(instrument, "_made", {})


NO_ANSWERS = pytest.mark.parametrize("without", [("_process_response",)], indirect=True, ids=["no answers"])
NO_EVENTS = pytest.mark.parametrize("without", [("__stream__",)], indirect=True, ids=["no events"])
NEITHER = pytest.mark.parametrize("without", [("_process_response", "__stream__")], indirect=True, ids=["neither"])
SDK = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)


@SDK
@pytest.mark.parametrize("way", [ways.create, ways.raw_parse, ways.raw_status, ways.streaming_parse])
@NO_ANSWERS
def test_without_answers_the_result_of_request_tells(
    way: Any, sdk: Sdk, without: None, sim: Simulator, home: Home
) -> None:
    with sdk.sync(sim.url) as client:
        way(sdk.of(client), sdk.arguments)
    line = only(home)
    assert (line["status"], line["source"]) == ("ok", "reported")
    assert classes(line) == sdk.classes
    assert line["response_model"].startswith(sdk.arguments["model"])


@SDK
@pytest.mark.parametrize("way", [ways.stream_for, ways.stream_next])
@NEITHER
def test_with_request_alone_streams_tell(way: Any, sdk: Sdk, without: None, sim: Simulator, home: Home) -> None:
    with sdk.sync(sim.url) as client:
        way(sdk.of(client), sdk.arguments)
    assert classes(only(home)) == sdk.classes


@SDK
@NO_EVENTS
def test_without_events_streams_tell(sdk: Sdk, without: None, sim: Simulator, home: Home) -> None:
    with sdk.sync(sim.url) as client:
        ways.stream_for(sdk.of(client), sdk.arguments)
    assert classes(only(home)) == sdk.classes


@SDK
@NEITHER
def test_with_request_alone_a_stream_left_early_is_aborted(sdk: Sdk, without: None, sim: Simulator, home: Home) -> None:
    with sdk.sync(sim.url) as client:
        ways.early_close(sdk.of(client), sdk.arguments)
    assert only(home)["status"] == "aborted"


@SDK
@NEITHER
def test_with_request_alone_async_calls_and_streams_tell(sdk: Sdk, without: None, sim: Simulator, home: Home) -> None:
    async def run() -> None:
        async with sdk.asynchronous(sim.url) as client:
            await ways.a_stream_for(sdk.of(client), sdk.arguments)

    asyncio.run(run())
    assert classes(only(home)) == sdk.classes


@SDK
@NEITHER
def test_with_request_alone_an_error_is_an_error(sdk: Sdk, without: None, sim: Simulator, home: Home) -> None:
    with sdk.sync(sim.url) as client, pytest.raises(Exception, match="400"):
        sdk.of(client).create(**{**sdk.arguments, "model": "bad"})
    assert only(home)["status"] == "error"


@SDK
def test_with_request_itself_gone_calls_still_work(
    sdk: Sdk, monkeypatch: pytest.MonkeyPatch, sim: Simulator, home: Home
) -> None:
    kind = importlib.import_module(f"{sdk.name}._base_client").SyncAPIClient
    bare = kind.request
    monkeypatch.delattr(kind, "request")
    fresh(monkeypatch)
    instrument.install()
    try:
        monkeypatch.setattr(sdk.client, "request", bare, raising=False)  # the SDK of that time has it elsewhere
        with sdk.sync(sim.url) as client:
            ways.create(sdk.of(client), sdk.arguments)
            ways.stream_for(sdk.of(client), sdk.arguments)
        assert instrument.hooks()[f"{sdk.name}._base_client:SyncAPIClient.request"].broken
    finally:
        instrument.uninstall()
    assert guard.failures == {
        f"hook.{sdk.name}._base_client:SyncAPIClient.request": 1
    }  # goes out with the spool's state
    assert not instrument.hooks()[f"{sdk.name}._base_client:SyncAPIClient.request"].broken


@pytest.mark.parametrize(("since", "state"), [("2.0", "absent"), ("1.0", "missing"), ("", "missing")])
def test_a_version_from_before_a_choke_point_lacks_nothing(
    since: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = ModuleType("old")
    package.__dict__.update(__version__="1.4", __path__=[])
    monkeypatch.setitem(sys.modules, "old", package)
    provider = Provider("old", "old", "stainless", ("old.client",), (), ("1.4", "2.0"), since=since)
    patch = Patch(provider, "old.client", "Client.request", lambda bare: bare)
    assert presence.judged({patch.target: patch})[patch.target].state == state


@pytest.mark.parametrize(("is_theirs", "state"), [(True, "missing"), (False, "absent")])
def test_a_package_of_another_that_has_the_same_name_lacks_nothing(
    is_theirs: bool, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = ModuleType("agents")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "agents", package)
    monkeypatch.setattr(presence, "is_installed", lambda _: is_theirs)
    fresh(monkeypatch)
    found = [hook for hook in instrument.hooks().values() if hook.target.startswith("agents.")]
    assert {hook.state for hook in found} == {state} and len(found) == 2

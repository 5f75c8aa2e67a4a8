"""Switching on and off: before or after the SDK's import, twice, in vain; and back without a trace."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

import meter
from meter import instrument, settings
from meter.errors import SettingInvalid
from meter.home import Home
from meter.providers.sdks import load
from meter.simulator import Simulator
from tests.conftest import lines_of
from tests.instrument.sdks import OPENAI, SDKS, Sdk, calls, classes, only

PLACES = (
    *(f"{kind}.{name}" for kind in ("SyncAPIClient", "AsyncAPIClient") for name in ("request", "_process_response")),
    *(f"{kind}.__stream__" for kind in ("Stream", "AsyncStream")),
)
MODULES = ("openai._base_client", "anthropic._base_client")


def owner(module: str, place: str) -> tuple[Any, str]:
    """Return the class and the name of a patched attribute."""
    kind, _, name = place.rpartition(".")
    return getattr(importlib.import_module(module), kind), name


def originals() -> dict[tuple[str, str], Any]:
    """Return what stands in the classes' own dictionaries."""
    return {(m, p): vars(owner(m, p)[0])[owner(m, p)[1]] for m in MODULES for p in PLACES}


@pytest.fixture
def restored() -> Iterator[None]:
    yield
    instrument.uninstall()


def test_uninstall_puts_back_the_very_objects(restored: None) -> None:
    before = originals()
    instrument.install()
    assert all(after is not before[place] for place, after in originals().items())
    instrument.uninstall()
    assert all(after is before[place] for place, after in originals().items())


def test_installing_twice_wraps_once(restored: None) -> None:
    before = originals()
    instrument.install()
    once = originals()
    instrument.install()
    assert all(after is once[place] for place, after in originals().items())
    instrument.uninstall()
    assert all(after is before[place] for place, after in originals().items())


def test_a_call_after_installing_twice_is_recorded_once(metered: Home, sim: Simulator) -> None:
    instrument.install()
    meter.install()
    with OPENAI.sync(sim.url) as client:
        client.chat.completions.create(**OPENAI.arguments)
    assert classes(only(metered)) == OPENAI.classes


def test_it_can_be_switched_off_and_on_again(sim: Simulator, home: Home, restored: None) -> None:
    with OPENAI.sync(sim.url) as client:
        for on in (True, False, True):
            instrument.install() if on else instrument.uninstall()
            client.chat.completions.create(**OPENAI.arguments, user=str(on))
    instrument.uninstall()
    assert len(sim.requests) == 3
    assert len(calls(home)) == 2


def test_what_another_tool_wrapped_around_ours_stays(restored: None) -> None:
    client, name = owner(MODULES[0], "SyncAPIClient.request")
    bare = vars(client)[name]
    instrument.install()
    ours = vars(client)[name]

    def theirs(*args: Any, **kwargs: Any) -> Any:
        return ours(*args, **kwargs)

    setattr(client, name, theirs)
    try:
        instrument.uninstall()
        assert vars(client)[name] is theirs
        assert instrument.hooks()["openai._base_client:SyncAPIClient.request"].detail == "wrapped by another"
    finally:
        setattr(client, name, ours)
        instrument.uninstall()
    assert vars(client)[name] is bare


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("place", PLACES)
def test_signatures_and_kinds_of_functions_stay(module: str, place: str, metered: Home) -> None:
    kind, name = owner(module, place)
    wrapped = getattr(kind, name)
    bare = inspect.unwrap(wrapped)
    assert wrapped is not bare
    assert inspect.signature(wrapped) == inspect.signature(bare)
    assert (wrapped.__name__, wrapped.__qualname__, wrapped.__doc__) == (bare.__name__, bare.__qualname__, bare.__doc__)
    for question in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
        assert question(wrapped) == question(bare)
    assert inspect.getsource(wrapped) == inspect.getsource(bare)


def test_public_methods_are_not_touched(metered: Home) -> None:
    import openai

    create = openai.resources.chat.completions.Completions.create
    assert create.__module__.startswith("openai.")
    assert not hasattr(create, "__meter__")


def test_every_hook_is_patched_and_says_so(metered: Home) -> None:
    states = instrument.hooks()
    ours = {f"{module}:{place}" for module in MODULES for place in PLACES}
    found = {target for target in states if target.startswith(("openai.", "anthropic."))}
    assert {
        target for target in found if "parse_event" not in target
    } == ours  # those of sockets are there with their versions
    for state in (states[target] for target in ours):
        assert state.state == "patched"
        assert state.version == sys.modules[state.sdk].__version__
        assert str(state) == "patched" and not state.broken


def test_disabled_patches_nothing(monkeypatch: pytest.MonkeyPatch, home: Home, restored: None) -> None:
    monkeypatch.setenv("METER_DISABLED", "1")
    settings.reset()
    before = originals()
    instrument.install()
    assert all(after is before[place] for place, after in originals().items())


def test_install_takes_settings_and_refuses_unknown_ones(home: Home, restored: None) -> None:
    meter.install(service="search")
    assert settings.get().service == "search"
    with pytest.raises(SettingInvalid, match="unknown setting 'sevice'"):
        meter.install(sevice="search")


@pytest.mark.parametrize("place", PLACES)
def test_a_renamed_internal_is_a_row_and_no_exception(
    place: str, monkeypatch: pytest.MonkeyPatch, home: Home, restored: None
) -> None:
    kind, name = owner(MODULES[0], place)
    monkeypatch.delattr(kind, name)
    instrument.install()
    state = instrument.hooks()[f"openai._base_client:{place}"]
    assert (state.state, state.broken) == ("missing", True)
    assert "openai" in state.detail
    instrument.uninstall()
    assert name not in vars(kind)


def test_an_internal_with_other_arguments_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, home: Home, restored: None
) -> None:
    kind, name = owner(MODULES[0], "SyncAPIClient._process_response")

    def newer(self: Any, *, cast_to: Any, reply: Any) -> Any:
        return reply

    monkeypatch.setattr(kind, name, newer)
    instrument.install()
    assert vars(kind)[name] is newer
    assert str(instrument.hooks()["openai._base_client:SyncAPIClient._process_response"]).startswith("changed: openai")


def test_an_internal_that_cannot_be_wrapped_is_a_row(
    monkeypatch: pytest.MonkeyPatch, home: Home, restored: None
) -> None:
    kind, name = owner(MODULES[1], "Stream.__stream__")
    monkeypatch.setattr(kind, name, "not a function")
    instrument.install()
    assert instrument.hooks()["anthropic._base_client:Stream.__stream__"].state == "changed"
    assert vars(kind)[name] == "not a function"


def test_a_hook_that_raises_never_comes_out_of_the_import(home: Home) -> None:
    found = in_a_process("""
        import json, meter.instrument.patches as patches
        def broken(self, module): raise ValueError("a fault in the hook")
        patches.Patch._apply = broken
        import meter.auto
        import openai
        from meter import guard, instrument
        states = {str(state) for state in instrument.hooks().values() if "openai._base" in state.target}
        failed = sum(count for step, count in guard.failures.items() if step.startswith("hook.openai._base"))
        print(json.dumps([sorted(states), failed]))
    """)
    assert found == [["failed: ValueError: a fault in the hook"], 6]


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
@pytest.mark.parametrize("order", ["before", "after"])
def test_import_order_does_not_matter(sdk: Sdk, order: str, home: Home, sim: Simulator) -> None:
    lines = [f"import {sdk.name}", "import meter.auto"]
    kind = sdk.client.__name__
    in_a_process(f"""
        {"; ".join(lines if order == "after" else lines[::-1])}
        client = {sdk.name}.{kind}(api_key="sk-test", base_url="{sim.url}{sdk.base}")
        client.{".".join(sdk.resource)}.create(**{sdk.arguments!r})
        print("null")
    """)
    assert classes(only(home)) == sdk.classes


def test_a_client_made_before_installing_is_metered(home: Home, sim: Simulator, restored: None) -> None:
    with OPENAI.sync(sim.url) as client:
        instrument.install()
        client.chat.completions.create(**OPENAI.arguments)
    assert classes(only(home)) == OPENAI.classes


def test_an_sdk_first_imported_in_a_thread_is_metered(home: Home, sim: Simulator) -> None:
    in_a_process(f"""
        import threading, meter.auto
        def work():
            import openai
            client = openai.OpenAI(api_key="sk-test", base_url="{sim.url}/v1")
            client.chat.completions.create(**{OPENAI.arguments!r})
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        print("null")
    """)
    assert classes(only(home)) == OPENAI.classes


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
def test_an_sdk_that_is_imported_anew_is_metered_anew(sdk: Sdk, home: Home, sim: Simulator) -> None:
    states = in_a_process(f"""
        import json, sys, meter.auto
        from meter import guard, instrument
        def call():
            import {sdk.name}
            client = {sdk.name}.{sdk.client.__name__}(api_key="sk-test", base_url="{sim.url}{sdk.base}")
            client.{".".join(sdk.resource)}.create(**{sdk.arguments!r})
            return client
        old = call()
        for _ in range(2):
            for name in [name for name in sys.modules if name.partition(".")[0] == "{sdk.name}"]:
                del sys.modules[name]
            call()
        old.{".".join(sdk.resource)}.create(**{sdk.arguments!r})
        assert not guard.failures, guard.failures
        print(json.dumps([str(state) for state in instrument.hooks().values() if "{sdk.name}._base" in state.target]))
    """)
    assert states == ["patched"] * 6
    assert [classes(line) for line in calls(home)] == [sdk.classes] * 4


def test_a_hook_whose_place_was_taken_says_so(home: Home, restored: None, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, name = owner(MODULES[0], "SyncAPIClient.request")
    bare = vars(kind)[name]
    instrument.install()
    with monkeypatch.context() as patch:
        patch.setattr(kind, name, bare)
        assert says("SyncAPIClient.request") == ("replaced: the original was put back", True)
    with monkeypatch.context() as patch:
        patch.setattr(f"{MODULES[0]}.Stream", type("Stream", (), {}))
        assert says("Stream.__stream__") == ("replaced: the SDK was imported again", True)
    assert says("Stream.__stream__") == ("patched", False)


def says(place: str) -> tuple[str, bool]:
    state = instrument.hooks()[f"openai._base_client:{place}"]
    return str(state), state.broken


def test_switching_on_imports_no_sdk_starts_no_thread_and_opens_no_connection(home: Home) -> None:
    found = in_a_process("""
        import json, socket, sys, threading
        def refuse(*args): raise OSError("a connection at import")
        socket.socket.connect = refuse
        import meter.auto
        heavy = {"openai", "anthropic", "httpx", "httpx2", "pydantic", "duckdb", "click", "rich", "opentelemetry"}
        print(json.dumps([sorted(heavy & set(sys.modules)), threading.active_count()]))
    """)
    assert found == [[], 1]
    assert not home.path.exists()  # nothing is written before there is a record


def test_switching_on_with_one_sdk_does_not_import_the_other(home: Home) -> None:
    found = in_a_process("""
        import json, sys, meter.auto, openai
        from meter import instrument
        ours = ("openai._", "anthropic._")
        states = {state.sdk: state.state for state in instrument.hooks().values() if state.target.startswith(ours)}
        print(json.dumps(["anthropic" in sys.modules, states]))
    """)
    assert found == [False, {"openai": "patched", "anthropic": "waiting"}]


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_telling_how_the_hooks_stand_imports_nothing_more_of_an_sdk(sdk: str, home: Home) -> None:
    found = in_a_process(f"""
        import json, sys, meter.auto, {sdk}
        from meter import instrument
        before = set(sys.modules)
        instrument.hooks()
        print(json.dumps([name for name in set(sys.modules) - before if name.startswith({sdk!r})]))
    """)
    assert found == []


def test_the_process_line_tells_versions_and_hooks(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        client.chat.completions.create(**OPENAI.arguments)
    line = json.loads(lines_of(metered)[0])
    assert line["kind"] == "process"
    assert line["sdks"].items() >= {name: sys.modules[name].__version__ for name in ("openai", "anthropic")}.items()
    assert set(line["hooks"].values()) == {"patched"}


def test_the_tested_range_holds_what_is_tested_here() -> None:
    def number(version: str) -> tuple[int, ...]:
        return tuple(map(int, version.split(".")))

    for provider in load():
        if provider.package not in sys.modules:
            continue
        oldest, newest = map(number, provider.tested)
        assert oldest <= number(sys.modules[provider.package].__version__) <= newest


def in_a_process(code: str) -> Any:
    """Run code in a process of its own; return what its last line says in JSON."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])

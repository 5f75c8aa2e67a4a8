"""A home with a few calls: in the spool, as services leave it, or in the ledger already."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import meter
from meter import recorder, settings
from meter.home import Home
from meter.ledger import Ledger, ingest

MARCH = datetime(2026, 3, 10, 12, tzinfo=timezone.utc)
USAGE = {"input": 600, "cache_read": 400, "output": 150, "reasoning": 50}


def record_sample() -> None:
    """Six calls of March 2026 and two of a moment ago.

    March: search 2 × 0.00024 USD on gpt-4o-mini; support 0.0003 USD on claude-haiku-4-5 and one call of a model without a
    price; one untagged call; one that failed. The recent ones are the same as search's.
    """
    recorder.process_facts = None  # other tests of this process have patched SDKs, or broken them on purpose
    now = datetime.now(timezone.utc)
    for moment in (MARCH, MARCH + timedelta(days=1), now - timedelta(seconds=90), now - timedelta(seconds=60)):
        _call("gpt-4o-mini", moment, team="search", feature="answers")
    _call("claude-haiku-4-5", MARCH, provider="anthropic", usage={"input": 200, "output": 20}, team="support")
    _call("a-model-of-our-own", MARCH, team="support")
    _call("gpt-4o-mini", MARCH)
    meter.record(provider="openai", model="gpt-4o-mini", usage={}, started_at=MARCH, status="error")
    meter.outcome("ticket_resolved", value="4.20", team="support")
    recorder.close()


def record_in_euros() -> None:
    """One more call of March, whose cost the provider states itself."""
    call = recorder.start()
    call.ts, call.provider, call.response_model = round(MARCH.timestamp() * 1e6), "openrouter", "a-model-of-theirs"
    call.usage, call.source, call.reported_cost, call.reported_currency = {"input": 9}, "reported", "0.25", "EUR"
    recorder.write(call)
    recorder.close()


@pytest.fixture
def spooled(home: Home) -> Home:
    """The sample's calls in the spool; there is no ledger yet."""
    record_sample()
    return home


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with the sample, made once: to compile the price book takes a second."""
    folder = tmp_path_factory.mktemp("sample") / "home"
    settings.configure(home=str(folder))
    record_sample()
    ingest(Ledger(Home(folder)))
    settings.reset()
    return folder


@pytest.fixture
def sample(prepared: Path, home: Home) -> Home:
    """The sample's calls in a ledger of the test's own."""
    shutil.copytree(prepared, home.path)
    return home


def _call(
    model: str, moment: datetime, provider: str = "openai", usage: dict[str, int] | None = None, **tags: str
) -> None:
    meter.record(
        provider=provider, model=model, usage=usage or USAGE, started_at=moment, response_id=f"r-{model}", tags=tags
    )

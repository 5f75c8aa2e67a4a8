"""One turn of the agent, through a real collector, compared point by point with SQL."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meter import agent, recorder, settings
from meter.errors import MeterError, QueryInvalid
from meter.exporters.samples import Sample
from meter.home import Home, ensure
from meter.ledger import Ledger, ingest
from meter.ledger.repricing import write
from tests.exporters.collector import collecting
from tests.exporters.receiver import Receiver, Series, receiving, value
from tests.ledger.books import ALL, multiply
from tests.ledger.records import call, segment
from tests.queries.sample import CALLS, IN_EUROS, NOW, made, record, sample_ledger

MODELS = """provider AS "gen_ai.provider.name", request_model AS "gen_ai.request.model",
    response_model AS "gen_ai.response.model" """
TEAM = "nullif(tags['team'], '') AS team"
PERIODS = """(VALUES ('today', '2026-10-20', '2026-10-21'), ('month_to_date', '2026-10-01', '2026-11-01'),
    ('last_month', '2026-09-01', '2026-10-01')) AS p (period, since, until)"""
IN_PERIOD = "started_at >= since::TIMESTAMPTZ AND started_at < until::TIMESTAMPTZ"
THIS_MONTH = "started_at >= '2026-10-01'::TIMESTAMPTZ"
INFERENCE = f"""operation AS "gen_ai.operation.name", 'unknown' AS "gen_ai.token.modality", {MODELS}"""
GEN_AI = "gen_ai.client.inference.usage."
NO_EMBEDDINGS = "operation = 'chat'"

EXPECTED = {
    "meter.spend": f"SELECT {MODELS}, {TEAM}, currency, sum(effective_cost) AS v FROM calls GROUP BY ALL HAVING v IS NOT NULL",
    "meter.spend.revision": f"""SELECT {MODELS}, {TEAM}, new_currency AS currency,
            sum(new_effective_cost - old_effective_cost) AS v
        FROM ledger.revised LEFT JOIN ledger.tag_sets USING (tag_set_id) GROUP BY ALL""",
    "meter.calls": f"""SELECT {MODELS}, {TEAM}, operation AS "gen_ai.operation.name", status, error_type AS "error.type",
            count() AS v
        FROM calls GROUP BY ALL""",
    "meter.tokens": f"""SELECT {MODELS}, {TEAM}, usage_class, sum(quantity) AS v FROM calls JOIN charges USING (call_id)
        WHERE unit = 'token' GROUP BY ALL""",
    "meter.unpriced.tokens": f"""SELECT {MODELS}, 'month_to_date' AS period, sum(total_tokens) AS v FROM calls
        WHERE price_status = 'unpriced' AND {THIS_MONTH} GROUP BY ALL""",
    "meter.unpriced.calls": f"""SELECT {MODELS}, 'month_to_date' AS period, count() AS v FROM calls
        WHERE price_status IN ('unpriced', 'partial') AND {THIS_MONTH} GROUP BY ALL""",
    "meter.unpriced.bound": """SELECT provider AS "gen_ai.provider.name", 'month_to_date' AS period, currency,
            sum(bound_high) AS v
        FROM unpriced WHERE bound_high IS NOT NULL GROUP BY ALL""",
    "meter.spend.period": f"""SELECT known.* EXCLUDE (nothing), period, coalesce((
            SELECT sum(effective_cost) FROM calls
            WHERE {IN_PERIOD} AND provider = "gen_ai.provider.name" AND request_model = "gen_ai.request.model"
                AND response_model = "gen_ai.response.model" AND currency = known.currency
                AND nullif(tags['team'], '') IS NOT DISTINCT FROM team), 0) AS v
        FROM (SELECT {MODELS}, {TEAM}, currency, sum(effective_cost) AS nothing FROM calls
            GROUP BY ALL HAVING nothing IS NOT NULL) AS known, {PERIODS}""",
    "meter.provider.risk_multiplier": """SELECT * FROM (VALUES ('anthropic', 'break_even_full', 1.77),
        ('anthropic', 'break_even_serving', 1), ('openai', 'break_even_full', 2.22), ('openai', 'break_even_serving', 1)
        ) AS t ("gen_ai.provider.name", scenario, v)""",
    "meter.spend.risk_adjusted": f"""SELECT p AS "gen_ai.provider.name", currency, 'month_to_date' AS period, scenario,
            sum(effective_cost) * any_value(multiplier) AS v
        FROM calls JOIN (VALUES ('anthropic', 'break_even_full', 1.77), ('anthropic', 'break_even_serving', 1.00),
            ('openai', 'break_even_full', 2.22), ('openai', 'break_even_serving', 1.00)) AS m (p, scenario, multiplier)
        ON p = provider WHERE {THIS_MONTH} GROUP BY ALL""",
    f"{GEN_AI}input_tokens": f"""SELECT {INFERENCE}, sum(input_tokens - coalesce(input_audio_tokens, 0)) AS v FROM calls
        WHERE {NO_EMBEDDINGS} GROUP BY ALL HAVING v IS NOT NULL
        UNION ALL BY NAME SELECT {INFERENCE.replace("unknown", "audio")}, sum(input_audio_tokens) AS v FROM calls
        GROUP BY ALL HAVING v IS NOT NULL""",
    f"{GEN_AI}output_tokens": f"""SELECT {INFERENCE}, sum(output_tokens - coalesce(output_audio_tokens, 0)) AS v FROM calls
        WHERE {NO_EMBEDDINGS} GROUP BY ALL HAVING v IS NOT NULL
        UNION ALL BY NAME SELECT {INFERENCE.replace("unknown", "audio")}, sum(output_audio_tokens) AS v FROM calls
        GROUP BY ALL HAVING v IS NOT NULL""",
    **{
        f"{GEN_AI}{name}": f"SELECT {INFERENCE}, sum({column}) AS v FROM calls GROUP BY ALL HAVING v IS NOT NULL"
        for name, column in {
            "cache_read.input_tokens": "cache_read_tokens",
            "cache_write.input_tokens": "cache_write_tokens",
            "reasoning.output_tokens": "reasoning_tokens",
        }.items()
    },
}


def asked(ledger: Ledger, metric: str) -> dict[Series, float]:
    """Return what SQL says of a metric, as the double that OTLP can carry."""
    with ledger.reading() as connection:
        cursor = connection.execute(EXPECTED[metric])
        names = [str(column[0]) for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {
        (metric, tuple(sorted((name, text) for name, text in row.items() if name != "v" and text is not None))): float(
            row["v"]
        )
        for row in rows
    }


def values(receiver: Receiver) -> dict[Series, float]:
    return {series: float(value(point)) for series, point in receiver.points().items()}


def gauges(samples: list[Sample], name: str, **wanted: str) -> dict[tuple[str, ...], Any]:
    """Return one metric's values by the attributes that are not fixed by `wanted`."""
    return {
        tuple(text for key, text in sample.attributes.items() if key not in wanted): sample.value
        for sample in samples
        if sample.metric.name == name and wanted.items() <= sample.attributes.items()
    }


def test_every_point_that_a_collector_hands_on_equals_sql_to_the_last_digit_of_a_double(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    record([*CALLS, IN_EUROS])
    ledger = Ledger(home)
    with receiving() as receiver, collecting(receiver.url) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        run = agent.run_once(ledger, now=NOW)
        receiver.wait_for(run.samples)
    assert (run.endpoint, run.ingested.calls) == (url, len(CALLS) + 1)
    expected = {series: number for metric in EXPECTED for series, number in asked(ledger, metric).items()}
    assert values(receiver) == expected
    assert len(expected) == run.samples > 70


def test_counters_go_on_where_they_were_after_a_restart(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = sample_ledger(home)
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        agent.run_once(ledger, now=NOW)
        first, started = values(receiver), {point.start_time_unix_nano for point in receiver.points().values()}
        receiver.forget()
        record(CALLS[2:4])
        recorder.close()
        assert agent.run_once(Ledger(home), now=NOW).ingested.calls == 2
    second = values(receiver)
    assert {point.start_time_unix_nano for point in receiver.points().values()} == started
    assert len(started - {0}) == 1
    risen = {series for series in first if second[series] > first[series]}
    assert all(second[series] >= number for series, number in first.items())
    assert {name for name, _ in risen} >= {"meter.spend", "meter.tokens", "meter.calls"}


def test_spend_stays_as_first_priced_and_what_a_repricing_took_from_it_is_a_sum_of_its_own(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = sample_ledger(home)
    with receiving() as receiver, collecting(receiver.url) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        receiver.wait_for(agent.run_once(ledger, now=NOW).samples)
        first = values(receiver)
        receiver.forget()
        multiply(ledger, "0.5")
        assert write(ledger, ALL, who="me@here", why="a test")[1]
        receiver.wait_for(agent.run_once(ledger, now=NOW).samples)
    second, revision = values(receiver), receiver.metrics()["meter.spend.revision"]
    assert not revision.sum.is_monotonic
    assert revision.sum.aggregation_temporality == 2  # AGGREGATION_TEMPORALITY_CUMULATIVE
    assert receiver.metrics()["meter.spend"].sum.is_monotonic
    spent = {series: number for series, number in first.items() if series[0] == "meter.spend"}
    assert {series: second[series] for series in spent} == spent
    revised = {series: number for series, number in second.items() if series[0] == "meter.spend.revision"}
    assert revised == {series: float(number) for series, number in asked(ledger, "meter.spend.revision").items()}
    assert all(number < 0 for number in revised.values())


def test_without_an_endpoint_the_agent_only_ingests(home: Home) -> None:
    record(CALLS)
    run = agent.run_once(Ledger(home))
    assert (run.ingested.calls, run.endpoint, run.samples) == (len(CALLS), None, 0)


def test_a_collector_that_is_down_costs_nothing_but_lateness(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    record(CALLS)
    ledger = Ledger(home)
    with receiving(503) as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
        with pytest.raises(MeterError, match="did not take"):
            agent.run_once(ledger, now=NOW)
        receiver.forget()
        receiver.status = 200
        run = agent.run_once(ledger, now=NOW)
    assert run.ingested.calls == 0
    assert sum(number for (name, _), number in values(receiver).items() if name == "meter.calls") == len(CALLS)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return made(tmp_path_factory.mktemp("sample"))


def configured(tmp_path: Path, text: str) -> None:
    """Put a meter.toml in force."""
    (tmp_path / "meter.toml").write_text(text, "utf-8")
    settings.configure(config=str(tmp_path / "meter.toml"))


@pytest.mark.parametrize(("margin", "multiplier"), [("-0.77", "1.77"), ("-0.5", "1.5"), ("0.4", "1")])
def test_a_margin_in_meter_toml_moves_the_risk_adjusted_spend(
    sample: Ledger, tmp_path: Path, margin: str, multiplier: str
) -> None:
    configured(tmp_path, f"[margins]\nopenai = {margin}\n")
    samples = agent.read(sample, now=NOW)
    with sample.reading() as connection:
        exact = f"SELECT sum(effective_cost) * {multiplier} FROM calls WHERE {THIS_MONTH} AND provider = 'openai'"
        row = connection.execute(exact).fetchone()
    assert row
    found = gauges(samples, "meter.spend.risk_adjusted", **{"gen_ai.provider.name": "openai"})
    assert found == {("USD", "month_to_date", "break_even_full"): row[0]}


def test_only_tags_that_are_allowed_become_attributes(sample: Ledger) -> None:
    for allowed in ((), ("team",), ("team", "feature")):
        found = agent.read(sample, tags=allowed, now=NOW)
        own = {key for sample in found for key in sample.attributes} & {"team", "feature", "cost_center"}
        assert own == set(allowed)
        spend = gauges(found, "meter.spend.period", period="last_month")
        assert sum(spend.values()) == Decimal("0.01524")  # however it is split


def test_a_tag_with_the_name_of_an_attribute_is_refused(home: Home) -> None:
    ledger = sample_ledger(home, ("2026-10-01T00:00", {**CALLS[0][1], "tags": {"currency": "DOGE"}}))
    with pytest.raises(QueryInvalid, match="the tag 'currency' has the name of an attribute"):
        agent.read(ledger, tags=["currency"], now=NOW)


@pytest.mark.parametrize(
    ("zone", "today"), [("UTC", "0.00001507"), ("Asia/Tokyo", "0.00001507"), ("America/New_York", "0")]
)
def test_today_is_the_ledgers_day(sample: Ledger, tmp_path: Path, zone: str, today: str) -> None:
    configured(tmp_path, f'[period]\ntimezone = "{zone}"\n')
    spend = gauges(agent.read(sample, now=NOW), "meter.spend.period", period="today")
    assert sum(spend.values()) == Decimal(today)


def test_a_call_whose_operation_is_unknown_counts_as_inference(home: Home) -> None:
    ensure(home)
    segment(home, call(operation=None), call(operation="embeddings"))
    ledger = Ledger(home)
    ingest(ledger)
    found = {x.metric.name.removeprefix(GEN_AI): x for x in agent.read(ledger) if x.metric.name.startswith(GEN_AI)}
    assert {name: sample.value for name, sample in found.items()} == {
        "input_tokens": 1000,
        "output_tokens": 200,
        "cache_read.input_tokens": 400,
        "reasoning.output_tokens": 50,
    }
    assert "gen_ai.operation.name" not in found["input_tokens"].attributes

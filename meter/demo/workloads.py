"""The organisation that the demo's history tells of, as data: who calls which model, how much, and what it was worth.

Models, their order and their prices are real (the catalogue dates the changes): gpt-5.6 became cheaper on 2026-07-30 and
2026-08-21, mistral-medium dearer on 2026-06-16. The organisation and its numbers are invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Hours = Literal["office", "day", "night"]


@dataclass(frozen=True)
class Worth:
    """What a share of the successful calls achieves, and what that is worth in USD."""

    name: str
    value: str
    share: float


@dataclass(frozen=True)
class Workload:
    """One service's use of one line of models. Tokens are medians, shares lie between 0 and 1."""

    service: str
    team: str | None  # None: nobody tagged these calls
    feature: str
    cost_center: str
    provider: str
    server: str
    api: str
    models: tuple[tuple[str, str], ...]  # (first day, model)
    calls: float  # share of all calls
    input: int
    output: int
    cached: float = 0.0
    cache_written: float = 0.0
    reasoning: float = 0.0
    searches: float = 0.0
    operation: str = "chat"
    stream: bool = False
    hours: Hours = "day"
    weekend: float = 0.3  # a Saturday's calls, relative to a Tuesday's
    growth: float = 0.04  # per month
    customers: int = 0
    region: str | None = None
    worth: Worth | None = None


OPENAI = "api.openai.com"
ANTHROPIC = "api.anthropic.com"

WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "search-api", "search", "answers", "CC-210", "openai", OPENAI, "openai.responses",
        (("", "gpt-5-mini"), ("2026-07-06", "gpt-5.6-luna")),
        calls=0.27, input=5_200, output=420, cached=0.45, reasoning=0.35, stream=True,
        weekend=0.75, growth=0.05, worth=Worth("answer_accepted", "0.03", 0.45),
    ),
    Workload(
        "support-bot", "support", "tickets", "CC-310", "anthropic", ANTHROPIC, "anthropic.messages",
        (("", "claude-sonnet-4-5"), ("2026-02-23", "claude-sonnet-4-6"), ("2026-09-07", "claude-sonnet-5")),
        calls=0.18, input=9_000, output=650, cached=0.65, cache_written=0.08, stream=True,
        weekend=0.45, customers=14, worth=Worth("ticket_resolved", "4.20", 0.22),
    ),
    Workload(
        "support-bot", "support", "triage", "CC-310", "anthropic", ANTHROPIC, "anthropic.messages",
        (("", "claude-haiku-4-5"),),
        calls=0.13, input=1_500, output=90, cached=0.4, cache_written=0.05, weekend=0.45, customers=14,
    ),
    Workload(
        "code-review", "platform", "review", "CC-110", "anthropic", ANTHROPIC, "anthropic.messages",
        (("", "claude-opus-4-1"), ("2025-12-01", "claude-opus-4-5"), ("2026-08-03", "claude-opus-5")),
        calls=0.05, input=38_000, output=1_900, cached=0.85, cache_written=0.06, searches=0.15, stream=True,
        hours="office", weekend=0.08, growth=0.09, worth=Worth("review_merged", "9.50", 0.3),
    ),
    Workload(
        "documents", "documents", "extraction", "CC-220", "openai", OPENAI, "openai.chat",
        (("", "gpt-4.1"), ("2026-07-06", "gpt-5.6-terra")),
        calls=0.08, input=14_000, output=900, cached=0.1, hours="night", weekend=1.0, growth=0.02,
        customers=6, worth=Worth("document_filed", "0.35", 0.9),
    ),
    Workload(
        "documents", "documents", "indexing", "CC-220", "openai", OPENAI, "openai.embeddings",
        (("", "text-embedding-3-small"),),
        calls=0.1, input=3_800, output=0, operation="embeddings", hours="night", weekend=1.0, growth=0.02,
    ),
    Workload(
        "recommender", "growth", "offers", "CC-410", "openai", OPENAI, "openai.chat",
        (("", "gpt-4o-mini"),),
        calls=0.09, input=1_300, output=160, cached=0.3, stream=True, weekend=1.2,
        worth=Worth("trial_started", "12.00", 0.01),
    ),
    Workload(
        "captions", "localization", "captions", "CC-230", "mistral_ai", "api.mistral.ai", "mistral.chat",
        (("", "mistral-medium-latest"),),
        calls=0.04, input=2_600, output=1_300, hours="office", weekend=0.1,
    ),
    Workload(
        "notebooks", None, "", "", "openai", OPENAI, "openai.chat",
        (("", "gpt-4.1"), ("2026-07-20", "gpt-5.6-sol")),
        calls=0.03, input=6_000, output=1_100, cached=0.1, hours="office", weekend=0.15,
    ),
    Workload(
        "lab-chat", "research", "prototypes", "CC-510", "vllm", "llm-gateway.internal:8443", "openai.chat",
        (("", "acme-lab-70b"),),
        calls=0.02, input=2_200, output=700, hours="office", weekend=0.2, growth=0.12,
    ),
    Workload(
        "filings", "finance", "filings", "CC-120", "aws.bedrock", "bedrock-runtime.eu-central-1.amazonaws.com",
        "bedrock.converse",
        (("", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"), ("2026-03-02", "eu.anthropic.claude-sonnet-4-6")),
        calls=0.01, input=22_000, output=1_800, hours="office", weekend=0.05, region="eu-central-1",
        worth=Worth("filing_checked", "6.00", 0.6),
    ),
)  # fmt: skip
"""The shares add up to 1."""

"""How much usage the simulator states: the fixture's fixed counts, or varied ones drawn from a hash of the request."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Counts:
    """Usage of one answer in disjoint counts; each dialect adds them up its own way."""

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    web_searches: int = 0

    @property
    def cache_write(self) -> int:
        """Tokens written to the cache, whatever their time to live."""
        return self.cache_write_5m + self.cache_write_1h


OPENAI = Counts(input=8, cache_read=3, output=5, reasoning=2)
"""11 in, of which 3 cached; 7 out, of which 2 reasoning."""

ANTHROPIC = Counts(input=11, cache_read=3, cache_write_5m=4, cache_write_1h=1, output=7, web_searches=1)
"""11 in beside 3 read from and 5 written to the cache; 7 out; one web search."""

BEDROCK = replace(ANTHROPIC, web_searches=0)
"""The same, without the search."""

EMBEDDINGS = Counts(input=11)


@dataclass(frozen=True)
class Profile:
    """What calls of a family of models look like: medians in tokens, shares from 0 to 1."""

    models: str
    input: int
    output: int
    cached: float = 0.0
    reasoning: float = 0.0


PROFILES: tuple[Profile, ...] = (
    Profile("text-embedding-*", 420, 0),
    Profile("o[134]*", 1_900, 900, cached=0.3, reasoning=0.7),
    Profile("gpt-5*", 2_400, 700, cached=0.45, reasoning=0.5),
    Profile("*mini*", 1_100, 180, cached=0.25),
    Profile("claude-*haiku*", 1_500, 220, cached=0.5),
    Profile("claude-*opus*", 4_200, 800, cached=0.7),
    Profile("claude-*", 3_100, 520, cached=0.6),
    Profile("*", 1_600, 300, cached=0.2),
)
"""The first whose pattern fits the model counts."""


def varied(fixture: Counts, model: str, request: bytes, seed: int) -> Counts:
    """Draw realistic counts for a request; the same request and seed give the same counts.

    Only what the fixture of the dialect has above 0 is drawn, so an embedding stays without output.
    """
    dice = random.Random(hashlib.sha256(b"%d:" % seed + request).digest())
    profile = next(row for row in PROFILES if fnmatchcase(model, row.models))
    total = _size(dice, profile.input)
    output = _size(dice, profile.output) if fixture.output else 0
    cached = int(total * min(0.95, profile.cached * dice.uniform(0.4, 1.4))) // 128 * 128 if fixture.cache_read else 0
    written = total // 8 if fixture.cache_write and cached else 0
    reasoning = int(output * profile.reasoning * dice.uniform(0.5, 1.3)) if fixture.reasoning else 0
    return Counts(
        input=max(1, total - cached - written),
        cache_read=cached,
        cache_write_5m=written,
        output=output - min(reasoning, output),
        reasoning=min(reasoning, output),
    )


def capped(counts: Counts, max_tokens: int | None) -> Counts:
    """Keep the output within what the caller allows."""
    if max_tokens is None or counts.output + counts.reasoning <= max_tokens:
        return counts
    reasoning = min(counts.reasoning, max_tokens)
    return replace(counts, reasoning=reasoning, output=max_tokens - reasoning)


def _size(dice: random.Random, median: int) -> int:
    return max(1, int(median * dice.lognormvariate(0, 0.7))) if median else 0

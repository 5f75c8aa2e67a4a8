"""DSPy's own client, which came with 3.4: it speaks the wires of OpenAI, Anthropic and Gemini on plain sockets."""

from __future__ import annotations

from meter.providers.model import Provider

PROVIDER = Provider(
    name="dspy",
    package="dspy",
    family="lm15",
    modules=("dspy._vendor.lm15.transports._sync", "dspy._vendor.lm15.transports._async"),
    dialects=(),
    tested=("3.4.1", "3.4.1"),
    address="",
    keys=(),
    since="3.4.0",
)

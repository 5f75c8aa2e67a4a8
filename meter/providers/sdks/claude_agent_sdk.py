"""The Claude Agent SDK."""

from __future__ import annotations

from meter.providers.claude_agent import TURNS
from meter.providers.model import Provider

PROVIDER = Provider(
    name="anthropic",
    package="claude_agent_sdk",
    distribution="claude-agent-sdk",
    family="claude_agent",
    modules=("claude_agent_sdk._internal.query",),
    dialects=(TURNS,),
    tested=("0.2.187", "0.2.187"),
)

"""xAI: OpenAI's wires, with what the call cost in ten-billionths of a dollar, and the searches that it ran."""

from __future__ import annotations

from dataclasses import replace

from meter.providers import audio, chat, images, responses
from meter.providers.model import Count

COST = {"cost_in_usd_ticks": -10}

RAN = (
    Count("server_side_tool_usage_details.web_search_calls", "web_searches"),
    Count("server_side_tool_usage_details.x_search_calls", "social_searches"),
    Count("server_side_tool_usage_details.code_interpreter_calls", "code_executions"),
    Count("server_side_tool_usage_details.file_search_calls", "file_searches"),
)

DIALECTS = (
    replace(chat.CHAT, cost=COST),
    replace(chat.COMPLETIONS, cost=COST),
    chat.EMBEDDINGS,
    replace(responses.RESPONSES, counts=(*responses.RESPONSES.counts, *RAN), total="", executed=None, cost=COST),
    replace(images.IMAGES, cost=COST),
    audio.TRANSCRIPTIONS,
    audio.SPEECH,
)

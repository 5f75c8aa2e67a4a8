"""SambaNova's SDK: OpenAI's wire, and Anthropic's."""

from __future__ import annotations

from meter.providers import audio, chat, messages, responses
from meter.providers.model import Provider

PROVIDER = Provider(
    name="sambanova",
    package="sambanova",
    family="stainless",
    modules=("sambanova._base_client",),
    dialects=(
        *(chat.CHAT, chat.COMPLETIONS, chat.EMBEDDINGS),
        *(messages.MESSAGES, responses.RESPONSES, audio.TRANSCRIPTIONS),
    ),
    tested=("1.13.0", "1.13.0"),
)

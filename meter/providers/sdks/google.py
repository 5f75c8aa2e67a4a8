"""Google's models through google-genai: the Gemini API, or Vertex AI with a project and a location."""

from __future__ import annotations

from meter.providers import beside
from meter.providers.gemini import CACHED_CONTENTS, EMBED, GENERATE, PREDICT
from meter.providers.model import Provider

PROVIDER = Provider(
    name="gcp.gemini",
    package="google.genai",
    family="google",
    modules=("google.genai._api_client",),
    dialects=(GENERATE, EMBED, PREDICT, CACHED_CONTENTS),
    beside=beside.GOOGLE,
    tested=("1.75.0", "3.4.0"),
    distribution="google-genai",
    address="_http_options.base_url",
    flags={"vertexai": "gcp.vertex_ai"},
    attributes={"project": ("project",), "region": ("location",)},
)

"""Together's SDK."""

from __future__ import annotations

from meter.providers import beside
from meter.providers.model import Provider
from meter.providers.together import DIALECTS

PROVIDER = Provider(
    name="together",
    package="together",
    family="stainless",
    modules=("together._base_client",),
    dialects=DIALECTS,
    beside=beside.OPENAI,
    tested=("2.42.0", "3.1.1"),
)

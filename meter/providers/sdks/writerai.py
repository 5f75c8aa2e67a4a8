"""Writer's SDK."""

from __future__ import annotations

from meter.providers.model import Provider
from meter.providers.writer import DIALECTS

PROVIDER = Provider(
    name="writer",
    package="writerai",
    family="stainless",
    modules=("writerai._base_client",),
    dialects=DIALECTS,
    tested=("2.4.0", "3.0.0"),
    distribution="writer-sdk",
)

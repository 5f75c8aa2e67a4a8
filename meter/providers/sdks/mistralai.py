"""Mistral's SDK."""

from __future__ import annotations

from meter.providers import beside
from meter.providers.mistral import DIALECTS
from meter.providers.model import Provider

BASES = ("mistralai.client.basesdk", "mistralai.azure.client.basesdk", "mistralai.gcp.client.basesdk")
BASES_1 = ("mistralai.basesdk", "mistralai_azure.basesdk", "mistralai_gcp.basesdk")
"""Where the SDK's base lies, and where it lay in its first version."""

PROVIDER = Provider(
    name="mistral_ai",
    package="mistralai",
    family="mistral",
    modules=(*BASES, *BASES_1),
    dialects=DIALECTS,
    sockets={
        "mistralai.extra.realtime.connection": ("RealtimeConnection",),
        "mistralai.extra.realtime.speech": ("RealtimeSpeechConnection",),
    },
    beside=beside.MISTRAL,
    tested=("1.12.0", "3.7.0"),
    address="sdk_configuration.server_url",
)

"""xAI's SDK."""

from __future__ import annotations

from meter.providers.model import Provider
from meter.providers.xai_grpc import CHAT, COMPACT, IMAGES, VIDEO

PROVIDER = Provider(
    name="x_ai",
    package="xai_sdk",
    family="xai",
    modules=("xai_sdk.sync.client", "xai_sdk.aio.client"),
    dialects=(CHAT, COMPACT, IMAGES, VIDEO),
    tested=("1.0.0", "1.21.0"),
    distribution="xai-sdk",
    address="address",
)

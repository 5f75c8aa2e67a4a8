"""IBM watsonx.ai's SDK."""

from __future__ import annotations

from meter.providers.model import Provider
from meter.providers.watsonx import DIALECTS

PROVIDER = Provider(
    name="ibm.watsonx.ai",
    package="ibm_watsonx_ai",
    family="watsonx",
    modules=(
        "ibm_watsonx_ai._wrappers.httpx.client.httpx_client",
        "ibm_watsonx_ai._wrappers.httpx.client.httpx_async_client",
    ),
    dialects=DIALECTS,
    tested=("1.8.0", "1.8.0"),
    distribution="ibm-watsonx-ai",
    address="",
    keys=(),
)

"""OpenAI, and everything that is reached through its SDK: told apart by the client's class, else by the address."""

from __future__ import annotations

from meter.providers import beside
from meter.providers.model import Provider
from meter.providers.wires import OPENAI

REALTIME = ("RealtimeConnection", "AsyncRealtimeConnection")
RESPONSES = ("ResponsesConnection", "AsyncResponsesConnection")

PROVIDER = Provider(
    name="openai",
    package="openai",
    family="openai",
    modules=("openai._base_client",),
    dialects=OPENAI,
    beside=beside.OPENAI,
    sockets={
        "openai.resources.realtime.realtime": REALTIME,
        "openai.resources.beta.realtime.realtime": REALTIME,
        "openai.resources.responses.responses": RESPONSES,
        "openai.resources.beta.responses.responses": RESPONSES,
    },
    tested=("1.30.0", "3.54.0"),
    clients={"BaseAzureClient": "azure.ai.openai", "BedrockOpenAI": "aws.bedrock", "AsyncBedrockOpenAI": "aws.bedrock"},
    attributes={
        "account": ("organization",),
        "project": ("project",),
        "region": ("aws_region",),
        "deployment": ("_azure_deployment",),
    },
    headers={"openai-organization": "account", "openai-project": "project", "x-ms-region": "region"},
)

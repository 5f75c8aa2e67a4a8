"""Anthropic, and its models on Bedrock, Vertex and Foundry through its SDK.

Anthropic's own service behind an AWS or a Google account is Anthropic: its models, its prices.
"""

from __future__ import annotations

from meter.providers import beside
from meter.providers.messages import COMPLETE, MESSAGES
from meter.providers.model import Provider

PROVIDER = Provider(
    name="anthropic",
    package="anthropic",
    family="stainless",
    modules=("anthropic._base_client",),
    dialects=(MESSAGES, COMPLETE),
    beside=beside.ANTHROPIC,
    tested=("0.40.0", "2.12.0"),
    clients={
        "BaseBedrockClient": "aws.bedrock",
        "BaseMantleClient": "aws.bedrock",
        "BaseVertexClient": "gcp.vertex_ai",
        "BaseFoundryClient": "azure.ai.inference",
        "AnthropicAWS": "anthropic",
        "AsyncAnthropicAWS": "anthropic",
        "BaseGoogleCloudClient": "anthropic",
    },
    keys=("api_key", "auth_token"),
    attributes={"project": ("project_id", "workspace_id"), "region": ("aws_region", "region", "_location")},
    headers={"anthropic-organization-id": "account", "anthropic-workspace-id": "project"},
)

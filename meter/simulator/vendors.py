"""What differs between the vendors around an answer: how an error is written, and the headers that say who is billed."""

from __future__ import annotations

import re

from meter.simulator.faults import Fault
from meter.simulator.wire import Arrival, Json, Reply

ORGANIZATION = "00000000-0000-4000-8000-000000000000"


GEMINI = re.compile(r"/models/[^/:]+:[a-zA-Z]+")
"""Paths of Google's own wire."""


BEDROCK = re.compile(r"/model/[^/]+/(converse|invoke)")
"""Paths of Amazon Bedrock."""


def is_anthropic(arrival: Arrival) -> bool:
    """Whether a request speaks Anthropic's dialect."""
    return "anthropic-version" in arrival.headers


def refusal(arrival: Arrival, fault: Fault) -> Reply:
    """Return an error as the dialect of the request writes it."""
    error: Json = {"type": fault.error, "message": fault.message}
    if GEMINI.search(arrival.path):
        return Reply(
            {"error": {"code": fault.status, "message": fault.message, "status": fault.error.upper()}},
            status=fault.status,
            headers=fault.headers,
        )
    if arrival.path.startswith("/voyage/"):
        return Reply({"detail": fault.message}, status=fault.status, headers=fault.headers)
    if is_anthropic(arrival):
        body: Json = {"type": "error", "error": error, "request_id": "req_refused"}
    else:
        body = {"error": {**error, "param": fault.needs or None, "code": None}}
    return Reply(body, status=fault.status, headers=fault.headers | identity(arrival, "refused"))


def identity(arrival: Arrival, token: str) -> dict[str, str]:
    """Return the headers that name the request and whose account pays: as asked, else the simulator's own."""
    asked = arrival.headers
    if BEDROCK.search(arrival.path):
        return {"x-amzn-requestid": f"{token[:8]}-{token[8:12]}-4000-8000-{token[12:24]}"}
    if is_anthropic(arrival):
        organization = asked.get("x-sim-organization", ORGANIZATION)
        return {"request-id": f"req_01{token[:22]}", "anthropic-organization-id": organization}
    return {
        "x-request-id": f"req_{token}",
        "openai-organization": asked.get("openai-organization", "org-simulator"),
        "openai-project": asked.get("openai-project", "proj_simulator"),
        "openai-processing-ms": "7",
        "openai-version": "2020-10-01",
    }

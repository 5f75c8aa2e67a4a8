"""Who is behind an address. A pattern may say where, too: its group `region`.

`[servers]` of meter.toml comes first. In neither: a name on this machine or without a dot (a test, a sidecar, a container's
neighbour) speaks for the SDK's own provider; any other is `<sdk>-compatible:<host>`, which is unpriced: a price that is only
likely would be a guess.
"""

from __future__ import annotations

import functools
import re

from meter.providers import servers

HOSTS: tuple[tuple[str, str], ...] = (
    (r"(?:(?P<region>[a-z]+)\.)?api\.openai\.com", "openai"),
    (r"api\.anthropic\.com", "anthropic"),
    (r".+\.openai\.azure\.(?:com|us|cn)", "azure.ai.openai"),
    (r".+\.cognitiveservices\.azure\.(?:com|us|cn)", "azure.ai.openai"),
    (r".+\.services\.ai\.azure\.com", "azure.ai.inference"),
    (
        r"(?!models\.inference\.)(?:(?:[a-z0-9-]+\.)?(?P<region>[a-z0-9-]+)\.)?(?:models|inference)\.ai\.azure\.com",
        "azure.ai.inference",
    ),
    (r"bedrock-(?:runtime|mantle)[a-z-]*\.(?P<region>[a-z0-9-]+)\..+", "aws.bedrock"),
    (r"(?:(?P<region>[a-z0-9-]+)-)?aiplatform\.googleapis\.com", "gcp.vertex_ai"),
    (r"generativelanguage\.googleapis\.com", "gcp.gemini"),
    (r"openrouter\.ai", "openrouter"),
    (r"api\.deepseek\.com", "deepseek"),
    (r"(?:(?P<region>[a-z0-9-]+)\.)?api\.x\.ai", "x_ai"),
    (r"api\.groq\.com", "groq"),
    (r"api\.together\.(?:xyz|ai)", "together"),
    (r"api\.fireworks\.ai", "fireworks"),
    (r"api\.mistral\.ai", "mistral_ai"),
    (r"api\.perplexity\.ai", "perplexity"),
    (r"api\.cerebras\.ai", "cerebras"),
    (r"api\.sambanova\.ai", "sambanova"),
    (r"api\.cohere\.(?:com|ai)", "cohere"),
    (r"api\.moonshot\.(?:ai|cn)", "moonshot_ai"),
    (r"api\.z\.ai|open\.bigmodel\.cn", "zai"),
    (r"api\.writer\.com", "writer"),
    (r"api\.voyageai\.com|ai\.mongodb\.com", "voyage"),
    (r"(?P<region>[a-z0-9-]+)\.(?:ml\.cloud|aws\.wxai)\.ibm\.com", "ibm.watsonx.ai"),
    (r"api\.aleph-alpha\.com", "alephalpha"),
    (r"api\.ai21\.com", "ai21"),
    (r"api\.replicate\.com", "replicate"),
    (r"ollama\.com", "ollama"),
    (r"router\.huggingface\.co|.+\.endpoints\.huggingface\.cloud", "huggingface"),
)

OLLAMA_PORT = 11434


@functools.lru_cache(1024)
def may_be_known(host: str) -> bool:
    """Say whether an address with this name can be a provider's, whatever its port."""
    name = host.lower()
    return servers.has(name) or is_near(name) or any(re.fullmatch(pattern, name) for pattern, _ in HOSTS)


def known(host: str, port: int | None) -> tuple[str, str | None] | None:
    """Return the provider behind an address and its region, or None where neither the table nor `[servers]` knows it."""
    found = find(host, port, UNKNOWN)
    return None if found[0].startswith(UNKNOWN) else found


UNKNOWN = "unknown"


@functools.lru_cache(1024)
def find(host: str, port: int | None, sdk: str) -> tuple[str, str | None]:
    """Return the provider behind an address, and its region where the name tells."""
    name = host.lower()
    if (named := servers.behind(name, port)) is not None:
        return named, None
    for pattern, provider in HOSTS:
        if match := re.fullmatch(pattern, name):
            return provider, match.groupdict().get("region")
    if port == OLLAMA_PORT:
        return "ollama", None
    if is_near(name):
        return sdk, None
    return f"{sdk}-compatible:{name}", None


def is_near(name: str) -> bool:
    """Say whether a name is this machine or a neighbour without a domain."""
    return name.startswith("127.") or name == "::1" or "." not in name.removesuffix(".localhost")

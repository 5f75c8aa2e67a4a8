"""A catalogue from the network, when somebody asks for it: nothing else in Meter calls this."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from meter.errors import CatalogueInvalid
from meter.pricing import reading

LIBRARIES = ("httpx2", "httpx")
"""What genai-prices fetches with: it comes with the package, by either name."""
CONNECT_S = 5.0
READ_S = 10.0
HINT = "look at the address and the network, or save the file elsewhere and take it in with --file"


def default_url() -> str:
    """Return where genai-prices' own updates come from."""
    from genai_prices.update_prices import DEFAULT_UPDATE_URL

    return DEFAULT_UPDATE_URL


def fetch(url: str, *, connect_s: float = CONNECT_S, read_s: float = READ_S) -> bytes:
    """Return what stands at an address. Raises CatalogueInvalid for whatever hinders it."""
    http = _library()
    body = bytearray()
    try:
        timeout = http.Timeout(read_s, connect=connect_s)
        with http.stream("GET", url, timeout=timeout, follow_redirects=True) as response:
            if response.status_code != 200:
                raise CatalogueInvalid(
                    f"{url} answered {response.status_code} {response.reason_phrase}".rstrip(), hint=HINT
                )
            for part in response.iter_bytes():
                body += part
                if len(body) > reading.LARGEST_BYTES:
                    break  # whoever reads it says so
    except (http.HTTPError, http.InvalidURL, UnicodeError) as error:
        raise CatalogueInvalid(f"{url} could not be fetched: {_reason(error)}", hint=HINT) from error
    return bytes(body)


def _library() -> Any:
    found = [name for name in LIBRARIES if find_spec(name)]
    if not found:
        raise CatalogueInvalid(
            f"nothing here can fetch: neither {' nor '.join(LIBRARIES)} is installed",
            hint="save the file elsewhere and take it in with --file",
        )
    return import_module(found[0])


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

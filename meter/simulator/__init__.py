"""A loopback server that speaks the wire of OpenAI and Anthropic well enough for their official SDKs.

    with Simulator() as sim:
        OpenAI(api_key="sk-sim", base_url=sim.url + "/v1")
        Anthropic(api_key="sk-sim", base_url=sim.url)

`meter demo`, `meter doctor --selftest` and the tests use it. It serves chat completions, legacy completions,
embeddings, responses, models and, for Anthropic, messages (beta alike) and token counts; plain, streamed, structured
(an answer that fits the JSON schema asked for), with a tool call (when tools are offered), `n` above 1, responses in
the background (queued, complete when retrieved). `Simulator.requests` holds what arrived: (method, path, body, headers).

Usage. By default the fixture's counts: OpenAI 11 in (3 cached), 7 out (2 reasoning), 5 chunks before the usage chunk;
Anthropic 11 in, 7 out, 5 written to the cache (4 for 5 minutes, 1 for an hour), 3 read, 1 web search, and 1 output token
as a placeholder in `message_start`; embeddings 11. `Simulator(seed=7)` draws realistic counts from a hash of the request.
`Simulator(usage={"openai.chat": {…}})`, or the header `x-sim-usage: {…}`, serves a usage object exactly as given.

Headers a request may carry:

| header | effect |
|---|---|
| `x-sim-fault` | a fault of the table below |
| `x-sim-usage` | the usage object to state, as JSON |
| `x-sim-tier` | the service tier served |
| `x-sim-delay` | seconds between the events of a stream (for all requests: `Simulator.delay_s`) |
| `x-sim-organization` | Anthropic's organization in the answer (OpenAI's clients send theirs by themselves) |

Faults, by header, by `Simulator(fault=…)`, or by model. Any fault with `-once` added happens on every odd request of a
model, so that a retry succeeds.

| fault | what arrives | model |
|---|---|---|
| `bad-request` | 400, invalid_request_error | `bad` |
| `unauthorized` | 401, authentication_error | |
| `not-found` | 404, not_found_error | |
| `rate-limited` | 429 with retry-after of 10 ms | |
| `server-error` | 500 | `flaky*` (once) |
| `overloaded` | 529 | |
| `refuses-stream-options` | 400 if the request has stream_options | `no-so` |
| `stall` | answers after `stall_s` (1 s) | `slow` |
| `stall-mid-stream` | pauses for `stall_s` half-way | |
| `cut-before-headers` | closes the connection without a byte | |
| `cut-mid-body` | closes the connection half-way through the body or the stream | |
| `malformed-sse` | half-way through the stream a data line that is no JSON | |
| `error-event` | half-way through the stream an error event, then the end | |
| `no-usage` | the answer states no usage | |
| `strange-usage` | a usage object of unknown shape | |
| `wrong-content-type` | an HTML page with status 200 | |
| `malformed-json` | a JSON body that ends early, with its length right | |
| `length` | finish reason length (incomplete, max_tokens) | `trunc` |
| `content-filter` | finish reason content_filter (refusal) | |
"""

from meter.simulator.faults import FAULTS, MODELS, Fault
from meter.simulator.simulator import Simulator
from meter.simulator.wire import SNAPSHOTS, Arrival

__all__ = ["FAULTS", "MODELS", "SNAPSHOTS", "Arrival", "Fault", "Simulator"]

"""The one line: `import meter.auto  # noqa: F401` meters every supported SDK of the process, imported before or after."""

from __future__ import annotations

from meter.guard import shield

with shield("install"):
    from meter.instrument import install

    install()

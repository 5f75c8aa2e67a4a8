"""Import one SDK as a service would and say how Meter's hooks sit in it. Run in a process of its own.

    python -m meter.doctor.probe openai

prints one JSON object per hook: target, state, detail, version.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from importlib import import_module

from meter import instrument


def main(package: str) -> None:
    """Print the hooks of one SDK."""
    instrument.install(disabled=False)
    import_module(package)
    for module in instrument.modules_of(package):
        with suppress(ImportError):  # its hooks stay at "waiting", and that is reported
            import_module(module)
    for hook in instrument.hooks().values():
        if hook.sdk == package:
            facts = {"target": hook.target, "state": hook.state, "detail": hook.detail, "version": hook.version}
            sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

"""Run the trials of one SDK: `python -m meter.doctor.trials openai http://127.0.0.1:8080`.

Prints one JSON object: trial → what it raised, or null. What was recorded lies in METER_HOME, each call tagged with its trial.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor


def main(sdk: str, url: str) -> None:
    """Run one SDK's trials. What a trial raises is a result like any other, hence the futures."""
    import meter.auto  # noqa: F401
    from meter import tags
    from meter.doctor.trials import Trial, load

    def run(trial: Trial) -> None:
        with tags(trial=trial.name):
            trial.run(url)

    with ThreadPoolExecutor(1) as pool:
        futures = {trial.name: pool.submit(run, trial) for trial in load() if trial.sdk == sdk}
    raised = {name: future.exception() for name, future in futures.items()}
    outcome = {name: error and f"{type(error).__name__}: {error}" for name, error in raised.items()}
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

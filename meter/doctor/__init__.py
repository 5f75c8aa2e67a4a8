"""What `meter doctor` looks at. `examine.examine` runs every check, each a generator of findings; `selftest.selftest` calls SDKs.

This module imports nothing: `probe` and `trials` run as services do, with the write side alone.
"""

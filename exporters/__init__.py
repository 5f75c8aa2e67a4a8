"""The ways out: one file each. An exporter holds no numbers; it asks the ledger when it is asked.

rows.py      results of a query as JSON, CSV or Parquet
samples.py   metric queries as samples that every exporter of metrics shares
otlp.py      samples to an OpenTelemetry collector
"""

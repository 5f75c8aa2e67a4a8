"""Every view, metric and report is one .sql file with a header; the folder is the registry.

queries.load("reports")              all of one kind, by name
queries.get("reports", "spend")      one of them
query.bind({"from": …, "to": …})     its parameters, checked and typed, for `connection.execute(query.sql, bound)`
"""

from meter.queries.loader import FOLDERS, Param, Query, get, load, parse

__all__ = ["FOLDERS", "Param", "Query", "get", "load", "parse"]

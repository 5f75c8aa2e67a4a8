"""Arithmetic of the usual classes: in columns, without a map. Nearly every call has no others, and a map takes ten times as long.

The macros take `counts`, a struct with a count per class (NULL: not stated), and `prices`, a struct with a unit price per class
(NULL: none). They say what the lists of charges in priced.sql say of the same usage as a map.
"""

from __future__ import annotations

from meter.names import INPUT_CLASSES, USUAL_CLASSES


def _each(term: str, between: str) -> str:
    """Return the term for every usual class; `{name}` stands for the class's name."""
    return between.join(term.format(name=name) for name in USUAL_CLASSES)


_PRODUCT = "counts.{name} * prices.{name}"
_ENTRY = "{{'key': '{name}', 'value': counts.{name}::DECIMAL(24, 6)}}"
_INPUTS = [f"coalesce(counts.{name}, 0)" for name in USUAL_CLASSES if name in INPUT_CLASSES]

_MACROS = {
    "usual_prices(unit_prices)": f"struct_pack({_each('{name} := unit_prices[$${name}$$]', ', ')})",
    "usual_usage(counts)": f"map_from_entries(list_filter([{_each(_ENTRY, ', ')}], lambda e: e.value IS NOT NULL))",
    "usual_input(counts)": " + ".join(_INPUTS),
    "usual_is_stated(counts)": f"coalesce({_each('counts.{name}', ', ')}) IS NOT NULL",
    # A whole count times a price of 12 decimals is exact: there is nothing to round class by class.
    "usual_sum(counts, prices)": f"""
        CASE WHEN {_each(f"{_PRODUCT} IS NOT NULL", " OR ")}
            THEN TRY_CAST({_each(f"coalesce({_PRODUCT}, 0)", " + ")} AS DECIMAL(26, 12))
        END""",
    "usual_lacks(counts, prices)": f"""
        coalesce({_each("(counts.{name} > 0 AND prices.{name} IS NULL)", " OR ")}, false)""",
    "usual_has(counts, prices)": f"""
        coalesce({_each("(counts.{name} > 0 AND prices.{name} IS NOT NULL)", " OR ")}, false)""",
    "usual_is_sold(counts, prices)": f"""
        coalesce({_each("(counts.{name} IS NOT NULL AND prices.{name} > 0)", " OR ")}, false)""",
}

MACROS = "".join(f"CREATE OR REPLACE TEMP MACRO {signature} AS {body};\n" for signature, body in _MACROS.items())

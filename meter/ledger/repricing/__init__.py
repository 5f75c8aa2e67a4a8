"""Price calls anew, with the price book and the contracts as they are known now, and record that as a revision.

`measure` says what would change and changes nothing; `write` changes it, in one transaction. Both send the calls, slice by slice,
through the very same `meter.pricing.price` that priced them at ingest, so a book that did not change finds no difference. Facts
stay as they are, the tokens of an estimate included; only derived columns of calls that differ are rewritten. A closed month is
never rewritten: what would change there can be booked as adjustments.

A rereading goes the same way with other calls: those whose usage object is read otherwise now (`Rereading`). It is the one
revision that changes what was counted.
"""

from __future__ import annotations

from meter.ledger.repricing.closed import Closed
from meter.ledger.repricing.measuring import Difference, measure
from meter.ledger.repricing.rereading import Rereading
from meter.ledger.repricing.scope import Scope
from meter.ledger.repricing.writing import Revision, write

__all__ = ["Closed", "Difference", "Rereading", "Revision", "Scope", "measure", "write"]

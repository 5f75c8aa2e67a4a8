"""All checks, in the order in which they depend on each other."""

from __future__ import annotations

from collections.abc import Iterator

from meter.doctor.finding import Finding
from meter.doctor.homes import check_home, check_settings
from meter.doctor.ledgers import check_ledger
from meter.doctor.sdks import check_sdks
from meter.doctor.services import check_services
from meter.doctor.spooled import check_spool
from meter.home import Home
from meter.report.status import status


def examine(place: Home) -> Iterator[Finding]:
    """Look at everything: the home and what lies in it, the services, and the SDKs that are installed here."""
    yield from examine_home(place)
    yield from check_sdks()


def examine_home(place: Home) -> Iterator[Finding]:
    """Look at the settings, the home, the spool, the ledger, and what services said of themselves."""
    yield from check_settings(place)
    yield from check_home(place)
    found = status(place)
    yield from check_spool(found)
    yield from check_ledger(found)
    yield from check_services(place)

"""The codes of ISO 4217: national currencies in use, with the decimals of their minor unit where those are not 2."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

_TWO_DECIMALS = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK
DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK
LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON
RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST
XCD XCG YER ZAR ZMW ZWG
"""
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"

MINOR_DIGITS: Mapping[str, int] = {
    code: digits
    for codes, digits in ((_TWO_DECIMALS, 2), (_NO_DECIMALS, 0), (_THREE_DECIMALS, 3))
    for code in codes.split()
}
"""Decimals of each currency's minor unit, by code."""


def code(text: object) -> str:
    """Return the code of a currency in capitals. Raises ValueError, which names the nearest code, for what is none."""
    found = text.strip().upper() if isinstance(text, str) else ""
    if found in MINOR_DIGITS:
        return found
    same_country = [known for known in MINOR_DIGITS if len(found) > 1 and known.startswith(found[:2])]
    close = same_country or difflib.get_close_matches(found, MINOR_DIGITS, n=1)
    raise ValueError(
        f"{text!r} is no currency of ISO 4217{f': did you mean {close[0]}?' if close else ', such as EUR or USD'}"
    )

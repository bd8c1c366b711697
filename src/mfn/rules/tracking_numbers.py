"""Whether a tracking number has a form of its carrier's, and whether another order has it too.

Only well-known forms are here; a carrier without one is not judged. A number that does not fit is only a warning:
Amazon warns of it too, and still confirms the parcel (selling-partner-api-docs issue 489). Sources: the Universal
Postal Union's standard S10, USPS Publication 199 (IMpb), the collection jkeen/tracking_number_data, and what the
carriers write on their tracking pages.
"""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

LONGEST_NUMBER = 50
"""The limit of Amazon's feeds (amzn-base.xsd); confirmShipment states none, so a longer number is merely odd."""

USED_AGAIN_AFTER = timedelta(days=30)
"""If another order's parcel had the number longer ago than that, the carrier may have reused it."""

S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
LETTERS = {letter: (position + 2) % 10 for position, letter in enumerate(string.ascii_uppercase)}
"""The values of letters in UPS's check digit: A is 2, B is 3, H is 9, I is 0, …"""


@dataclass(frozen=True)
class _Form:
    """One form of tracking numbers.

    Attributes:
        pattern: What the whole number looks like, in capitals and without blanks and dashes; its group is what the
            check digit, the last digit of it, is made from.
        checks: Whether that digit fits; None if any does.
    """

    pattern: str
    checks: Callable[[str], bool] | None = None

    def fits(self, number: str) -> tuple[bool, bool]:
        """Whether a number has the form, and whether its check digit fits, too."""
        match = re.fullmatch(self.pattern, number)
        return match is not None, match is not None and (self.checks is None or self.checks(match[1]))


@dataclass(frozen=True)
class _Forms:
    """The forms of a carrier's numbers.

    Attributes:
        expected: The forms in words.
        forms: All of them.
    """

    expected: str
    forms: tuple[_Form, ...]


def _checks_ups(text: str) -> bool:
    values = [LETTERS[letter] if letter in LETTERS else int(letter) for letter in text[:-1]]
    return (sum(values[::2]) + 2 * sum(values[1::2]) + int(text[-1])) % 10 == 0


def _checks_s10(digits: str) -> bool:
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(S10_WEIGHTS, digits, strict=False)) % 11
    return int(digits[-1]) == {10: 0, 11: 5}.get(rest, rest)


def _checks_modulo_10(digits: str) -> bool:
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + 3 * sum(values[1::2])) % 10 == 0


def _checks_usps_20(digits: str) -> bool:
    # On some labels the leading 91 is not printed, but counts.
    return _checks_modulo_10(digits) or _checks_modulo_10(f"91{digits}")


def _s10(country: str) -> _Form:
    return _Form(rf"[A-Z]{{2}}([0-9]{{9}}){country}", _checks_s10)


USPS_22_OR_26 = r"(9[1-5][0-9]{20}|9[1-5][0-9]{24})"
USPS = _Forms(
    "20 digits, 22 or 26 digits beginning with 91 to 95 (also after 420 and a ZIP code), or like EA123456785US",
    (
        _Form(r"([0-9]{20})", _checks_usps_20),
        _Form(USPS_22_OR_26, _checks_modulo_10),
        _Form(rf"420[0-9]{{5}}{USPS_22_OR_26}", _checks_modulo_10),
        _Form(rf"420[0-9]{{9}}{USPS_22_OR_26}", _checks_modulo_10),
        _s10("US"),
        _Form("82[0-9]{8}"),
    ),
)
UPS_MAIL_INNOVATIONS = _Forms(
    "a USPS number, or 9, 12, 18 to 34 digits, also after MI",
    (*USPS.forms, _Form("[0-9]{9}|[0-9]{12}|(?:MI)?[0-9]{18,34}")),
)
UPS = _Forms(
    "1Z followed by 16 letters or digits, T followed by 10 digits, 9, 10, 12 or 26 digits, or a USPS number",
    (
        _Form("1Z([0-9A-Z]{15}[0-9])", _checks_ups),
        _Form("T[0-9]{10}|[0-9]{9}|[0-9]{10}|[0-9]{12}|[0-9]{26}"),
        *USPS.forms,
    ),
)
FEDEX = _Forms(
    "12, 15, 20, 22, 30 or 34 digits", (_Form("[0-9]{12}|[0-9]{15}|[0-9]{20}|[0-9]{22}|[0-9]{30}|[0-9]{34}"),)
)
DHL_EXPRESS = _Forms(
    "10 or 11 digits, or J, 1 to 3 letters and then digits", (_Form("[0-9]{10,11}|J[A-Z]{1,3}[0-9]{9,20}"),)
)
DHL_PAKET = _Forms(
    "12, 16 or 20 digits, JJD followed by digits, or like CC123456785DE",
    (_Form("[0-9]{12}|[0-9]{16}|[0-9]{20}|J[A-Z]{1,3}[0-9]{9,20}"), _s10("DE")),
)
DHL_ECOMMERCE = _Forms(
    "10 to 34 digits, letters such as GM followed by 10 to 39 digits, or two letters, 9 digits and two letters",
    (_Form("[0-9]{10,34}|[A-Z]{2,5}[0-9]{10,39}"), _s10("[A-Z]{2}")),
)
DHL = _Forms(
    "10 to 34 digits, letters such as JJD or GM followed by 9 to 39 digits, or two letters, 9 digits and two letters",
    (*DHL_EXPRESS.forms, *DHL_ECOMMERCE.forms),
)
ONTRAC = _Forms(
    "C or D followed by 14 digits, 1LS followed by 9 to 18 letters or digits, or L followed by a letter and 8 digits",
    (_Form("[CD][0-9]{14}|1LS[0-9A-Z]{9,18}|L[A-Z][0-9]{8}"),),
)
AMAZON = _Forms(
    "TBA, TBC or TBM followed by 12 digits, or two letters followed by 9 to 12 digits",
    (_Form("TB[A-Z][0-9]{12}|[A-Z]{2}[0-9]{9,12}"),),
)
CANADA_POST = _Forms("16 digits, or like RN123456785CA", (_Form("[0-9]{16}"), _s10("CA")))
PUROLATOR = _Forms("12 digits, or 3 letters followed by 9 digits", (_Form("[0-9]{12}|[A-Z]{3}[0-9]{9}"),))
ROYAL_MAIL = _Forms(
    "like AB123456785GB, or 16 or 21 letters or digits", (_s10("GB"), _Form("[0-9A-Z]{16}|[0-9A-Z]{21}"))
)
EVRI = _Forms("16 letters or digits", (_Form("[0-9A-Z]{16}"),))
HERMES = _Forms(
    "14 digits, H followed by 19 digits, or 16 letters or digits", (_Form("[0-9]{14}|H[0-9]{19}|[0-9A-Z]{16}"),)
)
DPD = _Forms(
    "10 or 14 digits, the latter also with a check character, or all 28 characters of the label",
    (_Form("[0-9]{10}|[0-9]{14}[0-9A-Z]?|[0-9A-Z]{7}[0-9]{20}[0-9A-Z]"),),
)
GLS = _Forms("8 to 14 letters or digits, or 20 digits", (_Form("[0-9A-Z]{8,14}|[0-9]{20}"),))
YODEL = _Forms("JD or JJD followed by 16 digits", (_Form("JJ?D[0-9]{16}"),))
AUSTRALIA_POST = _Forms(
    "7 to 12 letters or digits, 18 to 23 of them, or like CP123456785AU",
    (_Form("[0-9A-Z]{7,12}|[0-9A-Z]{18,23}"), _s10("AU")),
)
FORMS = {
    "USPS": USPS,
    "UPS": UPS,
    "UPSMI": UPS_MAIL_INNOVATIONS,
    "UPS Mail Innovations": UPS_MAIL_INNOVATIONS,
    "FedEx": FEDEX,
    "FedEx SmartPost": FEDEX,
    "DHL": DHL,
    "DHL Express": DHL_EXPRESS,
    "DHL eCommerce": DHL_ECOMMERCE,
    "DHL Global Mail": DHL_ECOMMERCE,
    "DHL-Paket": DHL_PAKET,
    "OnTrac": ONTRAC,
    "Lasership": ONTRAC,
    "Amazon Shipping": AMAZON,
    "AMZL": AMAZON,
    "Canada Post": CANADA_POST,
    "PUROLATOR": PUROLATOR,
    "Royal Mail": ROYAL_MAIL,
    "ROYAL_MAIL": ROYAL_MAIL,
    "Hermes UK": EVRI,
    "Hermes": HERMES,
    "Hermes Logistik Gruppe": HERMES,
    "DPD": DPD,
    "DPD Local": DPD,
    "GLS": GLS,
    "Yodel": YODEL,
    "Australia Post": AUSTRALIA_POST,
    "AUSSIE_POST": AUSTRALIA_POST,
    "Australia Post-ArticleId": AUSTRALIA_POST,
    "Australia Post-Consignment": AUSTRALIA_POST,
}
"""By Amazon's carrier code."""


def check_tracking_numbers(parcels: pd.DataFrame) -> pd.Series[str]:
    """The oddities of each parcel's tracking number.

    Blanks, dashes and case do not count, nor do signs that nobody sees, such as a scanner's: they are not sent.

    Args:
        parcels: One row a parcel: `carrier_code`, Amazon's, and `tracking_number`; texts or missing.

    Returns:
        With the index of the parcels: what does not fit and what was expected, without the number itself; empty where
        it fits, where there is none, and where the carrier's forms are not known.
    """
    pairs = list(zip(parcels["carrier_code"].tolist(), parcels["tracking_number"].tolist(), strict=True))
    found = [_warning(code, number) for code, number in pairs]
    return pd.Series(found, index=parcels.index, dtype="object")


def check_shared_numbers(parcels: pd.DataFrame, others: pd.DataFrame, now: datetime) -> pd.Series[str]:
    """Parcels with the tracking number of another order's parcel that left lately; carriers reuse older numbers.

    Args:
        parcels: One row a parcel: `shipment_id`, `order_number`, and `tracking_number`, a text or missing.
        others: The same of all parcels of the warehouse, these among them, and `shipped_at`.
        now: The present moment, aware.

    Returns:
        With the index of the parcels: what is odd, without the number itself; empty where nothing is.
    """
    numbers = {number for text in parcels["tracking_number"].tolist() if (number := _bare(text))}
    lately = others[~(others["shipped_at"] < now - USED_AGAIN_AFTER)]
    owners: dict[str, dict[str, str]] = {}
    columns = ("shipment_id", "order_number", "tracking_number")
    for shipment_id, order_number, text in zip(*(lately[name].tolist() for name in columns), strict=True):
        if (number := _bare(text)) in numbers:
            owners.setdefault(number, {}).setdefault(order_number, shipment_id)
    found = []
    for order_number, text in zip(parcels["order_number"].tolist(), parcels["tracking_number"].tolist(), strict=True):
        there = owners.get(_bare(text), {})
        other = next((order for order in there if order != order_number), None)
        said = f"parcel {there[other]} of order {other} has the same tracking number" if other is not None else ""
        found.append(said)
    return pd.Series(found, index=parcels.index, dtype="object")


def _bare(tracking_number: object) -> str:
    """A number in the form for comparison; empty if there is none."""
    if not isinstance(tracking_number, str):
        return ""
    seen = "".join(filter(str.isprintable, tracking_number))
    return re.sub(r"[\s\u2010-\u2015-]", "", unicodedata.normalize("NFKC", seen)).upper()


def _warning(carrier_code: str, tracking_number: object) -> str:
    known = FORMS.get(carrier_code)
    number = _bare(tracking_number)
    if len(number) > LONGEST_NUMBER:
        return f"its tracking number is longer than {LONGEST_NUMBER} characters"
    if known is None or not number:
        return ""
    has_form, fits = (any(each) for each in zip(*(form.fits(number) for form in known.forms), strict=True))
    if fits:
        return ""
    if has_form:
        return f"its tracking number looks like a {carrier_code} number, but its check digit is wrong"
    return f"its tracking number does not look like a {carrier_code} number: expected {known.expected}"

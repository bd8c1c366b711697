"""Whether Amazon shows a parcel, by its tracking number."""

from __future__ import annotations

import pytest

from mfn.amazon.packages import ShownPackage
from mfn.steps.confirming.sending import is_shown


def shown(number: str | None, reference: str = "1", status: str | None = None) -> ShownPackage:
    return ShownPackage(package_reference_id=reference, tracking_number=number, shipped_at=None, status=status)


@pytest.mark.parametrize(
    ("number", "package", "expected"),
    [
        ("1Z 999", shown("1z-999"), True),
        ("1Z999", shown("1Z999", status="DELIVERED"), True),
        ("1Z999", shown("1Z998"), False),
        ("1Z999", shown("1Z999", status="CANCELLED"), False),
        ("1Z999", shown("1Z999", reference="2"), False),
        ("1Z999", shown(None), False),
        (None, shown(None), False),
        ("--", shown(""), False),
    ],
)
def test_a_parcel_is_shown_under_its_number_unless_it_was_withdrawn_or_is_another_one(
    number: str | None, package: ShownPackage, *, expected: bool
) -> None:
    assert is_shown(number, [package], but_for={"2"}) is expected

"""Amazon's addresses as the rows of a frame."""

from __future__ import annotations

import json

import pytest

from mfn.amazon.orders import decode_order
from mfn.rules.frames import address_frame
from tests.world import address, an_item, an_order


@pytest.mark.parametrize(
    ("sent", "city", "district"),
    [
        ({"city": "Campinas", "municipality": "", "districtOrCounty": "Centro"}, "Campinas", "Centro"),
        ({"city": "Barão Geraldo", "municipality": "Campinas"}, "Barão Geraldo", "Campinas"),
        ({"city": "Barão Geraldo", "municipality": "Campinas", "districtOrCounty": "Guará"}, "Barão Geraldo", "Guará"),
        ({"city": "", "municipality": "Campinas"}, "Campinas", None),
        ({"city": None, "municipality": "Campinas", "districtOrCounty": "Centro"}, "Campinas", "Centro"),
    ],
)
def test_a_town_that_is_only_in_the_municipality_is_the_city(
    sent: dict[str, str | None], city: str, district: str | None
) -> None:
    order = an_order(an_item(), recipient={"deliveryAddress": address(countryCode="BR", stateOrRegion="SP", **sent)})
    (row,) = address_frame([decode_order(json.dumps(order).encode())]).to_dict("records")
    assert (row["city"], row["district"]) == (city, district)

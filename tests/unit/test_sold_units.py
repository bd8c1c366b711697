"""What was sold on Amazon and not imported yet, reading by reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mfn.rules.sold_units import STATE, after_being_shown, after_failing, after_sending, reckon

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
TIMES = ("sent_at", "shown_at", "sold_seen_at")


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def a_state(**values: Any) -> pd.DataFrame:
    """10 were sent at noon, and Amazon has shown them."""
    sent = {"level_sent": 10, "level_sent_basis": 10, "before_limits_sent": 10, "sent_at": NOON, "shown": 10}
    given = sent | {"shown_before": 4, "shown_at": NOON, "sold_not_imported": 0, "sold_seen_at": pd.NaT}
    given |= {"is_applied": True, **values}
    assert set(given) == set(STATE)
    kinds = {name: "datetime64[us, UTC]" if name in TIMES else "float64" for name in STATE}
    kinds |= {"sold_not_imported": "int64", "is_applied": "bool"}
    return pd.DataFrame({name: pd.Series([given[name]], dtype=kinds[name]) for name in STATE})


def read(state: pd.DataFrame, quantity: float, at: float, level: int = 10, **options: Any) -> pd.DataFrame:
    """A reading so many minutes after noon; `covered` is in minutes after noon, too."""
    covered = options.pop("covered", None)
    readings = pd.DataFrame(
        {
            "quantity": [float(quantity)],
            "read_at": pd.Series([minutes(at)], dtype="datetime64[us, UTC]"),
            "level": [level],
            "imported": [options.pop("imported", 0)],
            "imported_earlier": [options.pop("imported_earlier", 0)],
        }
    )
    assert not options
    return reckon(state, readings, covered_until=None if covered is None else minutes(covered))


def to_send(found: pd.DataFrame) -> dict[str, Any]:
    """What there is to send: the target, and what is true of it."""
    row = found.iloc[0]
    flags = ("is_waiting", "is_shown", "is_to_send", "is_drift")
    return {"target": row["target"], "is": {name.removeprefix("is_") for name in flags if row[name]}}


def test_what_amazon_shows_less_is_sold_and_is_not_put_up_again() -> None:
    found = read(a_state(), 8, at=5)
    assert to_send(found) == {"target": 8, "is": {"shown"}}
    assert found["sold_not_imported"].tolist() == [2]
    assert found["sold_seen_at"].tolist() == [minutes(5)]


def test_an_imported_order_explains_what_is_missing_whenever_it_was_placed() -> None:
    explained = read(a_state(), 8, at=5, level=8, imported=2)
    assert to_send(explained) == {"target": 8, "is": {"shown"}}
    assert explained["sold_seen_at"].isna().all()
    seen = read(a_state(), 8, at=5)
    assert to_send(read(seen, 8, at=10, level=8, imported=2, covered=4)) == {"target": 8, "is": {"shown"}}
    assert to_send(read(seen, 8, at=10, level=8, imported_earlier=2, covered=4)) == {"target": 8, "is": {"shown"}}


def test_a_sale_after_the_import_is_not_part_of_what_the_import_explains() -> None:
    seen = read(a_state(), 9, at=5)
    assert to_send(read(seen, 8, at=10, level=9, imported=1, covered=6)) == {"target": 8, "is": {"shown"}}
    assert to_send(read(seen, 8, at=10, level=9, imported_earlier=1, covered=6)) == {"target": 8, "is": {"shown"}}


def test_an_order_that_a_sending_has_undone_does_not_explain_what_is_missing_since() -> None:
    found = read(a_state(), 9, at=5, level=9, imported_earlier=1)
    assert to_send(found) == {"target": 8, "is": {"to_send"}}


def test_stock_that_came_raises_the_level_by_as_much_and_not_by_what_was_sold() -> None:
    found = read(a_state(), 8, at=5, level=15)
    assert to_send(found) == {"target": 13, "is": {"to_send"}}


def test_a_level_never_falls_below_zero() -> None:
    assert to_send(read(a_state(), 4, at=5, level=3)) == {"target": 0, "is": {"to_send"}}


def test_what_no_order_explains_counts_until_an_import_has_covered_the_reading_and_is_drift_then() -> None:
    seen = read(a_state(), 7, at=5)
    for covered in (None, 3, 5):
        assert to_send(read(seen, 7, at=10, covered=covered)) == {"target": 7, "is": {"shown"}}
    found = read(seen, 7, at=10, covered=5.1)
    assert to_send(found) == {"target": 10, "is": {"to_send", "drift"}}
    assert found["sold_not_imported"].tolist() == [0]
    assert found["sold_seen_at"].isna().all()


def test_readings_in_between_do_not_put_off_what_an_import_covers() -> None:
    state = read(a_state(), 7, at=5)
    for at in (10, 15, 20):
        state = read(state, 7, at=at, covered=at - 16)
    assert to_send(read(state, 7, at=25, covered=9)) == {"target": 10, "is": {"to_send", "drift"}}


def test_where_some_sold_just_now_an_import_of_before_does_not_cover_what_is_left() -> None:
    seen = read(a_state(), 8, at=5)
    more = read(seen, 7, at=10, level=9, imported=1)
    assert more["sold_not_imported"].tolist() == [2]
    assert to_send(read(more, 7, at=15, level=8, imported_earlier=1, covered=9)) == {"target": 7, "is": {"shown"}}


def test_a_capped_level_is_filled_up_once_its_orders_are_imported_and_that_is_no_drift() -> None:
    capped = a_state(level_sent_basis=10, before_limits_sent=90)
    seen = read(capped, 8, at=5)
    for orders in ({"imported_earlier": 2}, {"imported": 2}, {"imported_earlier": 1, "imported": 1}):
        assert to_send(read(seen, 8, at=10, covered=8, **orders)) == {"target": 10, "is": {"to_send"}}


def test_more_than_was_sent_is_drift_at_once() -> None:
    assert to_send(read(a_state(), 25, at=5)) == {"target": 10, "is": {"to_send", "drift"}}


def test_what_a_cancelled_order_gave_back_is_no_drift() -> None:
    seen = read(a_state(), 8, at=5)
    assert to_send(read(seen, 10, at=10)) == {"target": 8, "is": {"to_send"}}
    assert to_send(read(seen, 10, at=10, covered=6)) == {"target": 10, "is": {"shown"}}


@pytest.mark.parametrize("former", [4, 14])
def test_the_former_quantity_is_a_level_on_its_way_for_a_quarter_of_an_hour(former: int) -> None:
    state = a_state(shown_before=former, is_applied=False)
    found = read(state, former, at=14)
    assert to_send(found) == {"target": 10, "is": {"waiting"}}
    assert not found["is_counted"].any()
    pd.testing.assert_frame_equal(found[list(STATE)], state)


def test_a_fall_that_never_comes_is_drift_after_that() -> None:
    state = a_state(shown_before=14, is_applied=False)
    assert to_send(read(state, 14, at=16)) == {"target": 10, "is": {"to_send", "drift"}}


def test_the_former_quantity_that_shows_once_more_soon_after_the_new_one_is_no_drift() -> None:
    applied = read(a_state(shown_before=14, is_applied=False), 10, at=3)
    assert to_send(applied) == {"target": 10, "is": {"shown"}}
    assert to_send(read(applied, 14, at=5)) == {"target": 10, "is": {"to_send"}}
    assert to_send(read(applied, 15, at=5)) == {"target": 10, "is": {"to_send", "drift"}}
    assert to_send(read(applied, 14, at=16)) == {"target": 10, "is": {"to_send", "drift"}}


def test_what_is_missing_is_reckoned_from_the_higher_level_until_a_fall_has_come_then_from_the_new_one() -> None:
    found = read(a_state(shown_before=14, is_applied=False), 8, at=3)
    assert to_send(found) == {"target": 4, "is": {"to_send"}}
    assert found[["shown", "shown_before"]].to_numpy().tolist() == [[8, 14]]
    assert to_send(read(a_state(shown_before=14), 8, at=3)) == {"target": 8, "is": {"shown"}}


def test_what_sells_right_after_the_same_level_was_sent_again_is_not_waited_for() -> None:
    assert to_send(read(a_state(shown_before=10, is_applied=False), 8, at=3)) == {"target": 8, "is": {"shown"}}


def test_a_rise_of_which_some_sold_at_once_has_come() -> None:
    found = read(a_state(shown_before=4, is_applied=False), 9, at=5)
    assert to_send(found) == {"target": 9, "is": {"shown"}}
    assert found["is_applied"].all()


def test_a_rise_that_never_comes_is_drift_once_an_import_has_covered_it() -> None:
    seen = read(a_state(shown_before=4, is_applied=False), 4, at=16)
    assert to_send(seen) == {"target": 4, "is": {"shown"}}
    assert not seen["is_applied"].any()
    assert to_send(read(seen, 4, at=20, covered=17)) == {"target": 10, "is": {"to_send", "drift"}}


def test_a_sale_before_a_falling_level_is_in_force_is_not_undone_by_it() -> None:
    state = a_state(level_sent=3, level_sent_basis=3, shown=3, shown_before=10, is_applied=False)
    waiting = read(state, 9, at=2, level=3)
    assert to_send(waiting) == {"target": 2, "is": {"waiting", "to_send"}}
    # Amazon has put up 3 by now, and with them the unit that was sold.
    assert to_send(read(waiting, 3, at=4, level=3)) == {"target": 2, "is": {"to_send"}}


def test_a_rise_that_may_have_been_sold_already_is_not_waited_for_when_the_level_falls() -> None:
    state = a_state(shown_before=4, is_applied=False)
    found = read(state, 4, at=2, level=9)
    assert to_send(found) == {"target": 3, "is": {"waiting", "to_send"}}
    assert found[["sold_not_imported", "is_counted"]].to_numpy().tolist() == [[6, True]]
    assert to_send(read(state, 4, at=2, level=12)) == {"target": 10, "is": {"waiting"}}


def test_units_that_were_sold_while_a_rise_was_waited_for_count_once() -> None:
    waiting = read(a_state(shown_before=4, is_applied=False), 3, at=2, level=12)
    assert waiting["sold_not_imported"].tolist() == [1]
    assert read(waiting, 3, at=16, level=12)["sold_not_imported"].tolist() == [7]
    assert read(waiting, 9, at=5, level=12)["sold_not_imported"].tolist() == [2]


def test_what_still_counts_keeps_the_time_at_which_it_was_seen_while_a_level_is_waited_for() -> None:
    seen_at = minutes(-20)
    state = a_state(
        level_sent=1, level_sent_basis=3, before_limits_sent=3, shown=1, shown_before=0, is_applied=False,
        sold_not_imported=2, sold_seen_at=seen_at,
    )  # fmt: skip
    found = read(state, 0, at=5, level=3, covered=-2)
    assert found["sold_not_imported"].tolist() == [2]
    assert found["sold_seen_at"].tolist() == [seen_at]


def test_without_a_quantity_nothing_changes() -> None:
    state = read(a_state(), 8, at=5)[list(STATE)]
    found = read(state, np.nan, at=10, imported=2, covered=9)
    pd.testing.assert_frame_equal(found[list(STATE)], state)
    assert to_send(found) == {"target": 8, "is": {"to_send"}}
    assert to_send(read(state, np.nan, at=10, covered=9)) == {"target": 8, "is": {"to_send"}}
    unsent = a_state(is_applied=False)
    pd.testing.assert_frame_equal(read(unsent, np.nan, at=20)[list(STATE)], unsent)


def test_an_offer_that_never_got_a_level_gets_it_less_what_sold_since_it_was_read() -> None:
    nothing = dict.fromkeys(("level_sent", "level_sent_basis", "before_limits_sent", "shown_before"), np.nan)
    known = a_state(**nothing, sent_at=pd.NaT, is_applied=False)
    assert to_send(read(known, 8, at=5)) == {"target": 8, "is": {"shown"}}
    unknown = a_state(**nothing, sent_at=pd.NaT, shown=np.nan, shown_at=pd.NaT, is_applied=False)
    assert to_send(read(unknown, 3, at=5)) == {"target": 10, "is": {"to_send"}}


def levels(target: int, level: int) -> pd.DataFrame:
    return pd.DataFrame({"target": [target], "level": [level], "before_limits": [level + 1]})


def test_what_was_sent_is_what_amazon_is_expected_to_show() -> None:
    found = read(a_state(), 8, at=5, level=15)
    sent = after_sending(found, levels(13, 15), pd.Series([minutes(6)], dtype="datetime64[us, UTC]")).iloc[0]
    assert (sent["level_sent"], sent["level_sent_basis"], sent["before_limits_sent"]) == (13, 15, 16)
    assert (sent["shown"], sent["shown_before"], sent["sold_not_imported"]) == (13, 8, 2)
    assert sent["sent_at"] == sent["shown_at"] == minutes(6)
    assert not sent["is_applied"]


def test_a_level_that_overtakes_another_knows_what_amazon_shows_in_between() -> None:
    waiting = read(a_state(shown_before=14, is_applied=False), 14, at=2, level=6)
    sent = after_sending(waiting, levels(6, 6), pd.Series([minutes(3)], dtype="datetime64[us, UTC]"))
    assert sent["shown_before"].tolist() == [14]


def test_what_amazon_shows_already_counts_as_sent() -> None:
    found = read(a_state(sent_at=minutes(-60)), 8, at=5, level=8, imported=2)
    kept = after_being_shown(found, levels(8, 8)).iloc[0]
    assert (kept["level_sent"], kept["level_sent_basis"], kept["before_limits_sent"]) == (8, 8, 9)
    assert kept["sent_at"] == minutes(-60)
    assert kept["is_applied"]
    kept = after_being_shown(read(a_state(), 8, at=5), levels(8, 8)).iloc[0]
    assert (kept["level_sent"], kept["is_applied"]) == (10, True), "it was sent a moment ago, and may still come"


def test_a_feed_that_came_to_nothing_leaves_the_offer_as_it_was_and_due() -> None:
    state = a_state(shown_before=4, is_applied=False)
    kept = after_failing(state)
    assert kept[["level_sent", "shown"]].to_numpy().tolist() == [[4, 4]]
    assert kept[["level_sent_basis", "before_limits_sent"]].isna().all(axis=None)
    assert kept["is_applied"].all()
    assert to_send(read(kept, 3, at=5)) == {"target": 9, "is": {"to_send"}}


def test_each_offer_is_reckoned_by_itself() -> None:
    state = pd.concat([a_state(), a_state(shown=7), a_state()]).set_axis(["A", "B", "C"])
    readings = pd.DataFrame(
        {
            "quantity": [9.0, 7.0],
            "read_at": pd.to_datetime([minutes(5)] * 2),
            "level": [10, 7],
            "imported": [0, 0],
            "imported_earlier": [0, 0],
        },
        index=["C", "B"],
    )
    found = reckon(state, readings, covered_until=None)
    assert found["target"].to_dict() == {"C": 9, "B": 7}

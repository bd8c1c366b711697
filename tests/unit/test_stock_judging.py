"""Which levels are news, and how what a warehouse lost is said."""

from __future__ import annotations

import pandas as pd

from mfn.steps.stock.judging import is_news, losses_in_words


def test_a_level_is_news_where_it_or_what_it_is_cut_from_is_not_what_was_sent_last() -> None:
    entries = pd.DataFrame(
        [
            (5, 5, 9, 5, 5.0, 9.0),
            (6, 5, 9, 5, 5.0, 9.0),
            (5, 5, 8, 5, 5.0, 9.0),
            (5, 5, 9, 4, 5.0, 9.0),
            (0, 0, 0, None, None, None),
            (5, 5, 9, 5, None, None),
        ],
        columns=["level", "available", "before_limits", "level_sent", "level_sent_basis", "before_limits_sent"],
        index=list("abcdef"),
    )
    # The fourth was sent less what had sold by then; of the last, what was sent came to nothing.
    assert is_news(entries).tolist() == [False, True, True, False, True, True]


def test_each_loss_is_said_and_an_empty_warehouse_by_what_is_empty() -> None:
    whole = {"location": "", "what": "SKUs", "before": 9, "now": 1}
    place = {"location": "MAIN", "what": "units", "before": 1200, "now": 0}
    assert losses_in_words([whole, place]) == "9 SKUs as a whole before, 1 now; 1,200 units in MAIN before, 0 now"
    assert losses_in_words([{**whole, "why": "wms_item has no row"}]) == "wms_item has no row"

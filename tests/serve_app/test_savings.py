"""What was used and saved, out of receipts of any form."""

from typing import Any

import pytest

from serve_app.savings import figure_of, gb_seconds_of, share_saved, word_of
from tests.serve_app.samples import RECEIPT


def test_used_and_saved_of_a_receipt_are_as_the_store_counts_them():
    """Not as it says itself: receipts of a former form have no `gb_seconds_saved`."""
    receipt = RECEIPT.model_dump(mode="json") | {"gb_seconds_saved": 0.0}

    assert gb_seconds_of(receipt) == (480.0, 3720.0)


@pytest.mark.parametrize(
    ("receipt", "found"),
    [
        (None, (None, None)),
        ({}, (None, None)),
        ({"gb_seconds": 100}, (100, None)),
        ({"gb_seconds": 100, "gb_seconds_saved": 7}, (100, None)),
        ({"gb_seconds": 100, "all_roles_gb_seconds": 40.5}, (100, -59.5)),
        ({"gb_seconds": "many", "all_roles_gb_seconds": 40}, (None, None)),
        ({"gb_seconds": True, "all_roles_gb_seconds": 40}, (None, None)),
    ],
)
def test_what_a_receipt_does_not_have_or_is_no_number_is_missing(receipt: dict[str, Any] | None, found: object):
    assert gb_seconds_of(receipt) == found


def test_figures_and_words_lie_below_further_names():
    receipt = {"money": {"currency": "EUR", "used": {"total": 0.5}, "saved": None}}

    assert figure_of(receipt, "money", "used", "total") == 0.5
    assert figure_of(receipt, "money", "saved") is figure_of({"money": 3}, "money", "used", "total") is None
    assert (word_of(receipt, "money", "currency"), word_of({"money": "?"}, "money", "currency")) == ("EUR", "")


@pytest.mark.parametrize(
    ("used", "saved", "told"),
    [
        (500, 1_500, "75 % of what all roles would have held"),
        (500, -100, "-25 % of what all roles would have held"),
        (0, 0, ""),
    ],
)
def test_the_share_saved_is_of_all_roles(used: float, saved: float, told: str):
    assert share_saved(used, saved) == told

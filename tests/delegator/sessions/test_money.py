"""Money: what use costs by the prices set, and that every price may be zero."""

import pytest

from delegator.schemas import Cost, PriceList
from delegator.sessions.money import cost, money
from delegator.sessions.use import Use

USE = Use(gb_seconds=7200, gpu_seconds=1800, computing_s=0)
PRICES = PriceList(currency="CHF", per_kwh=0.5, per_gb_hour=0.01, per_gpu_hour=2)
FREE = PriceList(currency="CHF", per_kwh=0, per_gb_hour=0, per_gpu_hour=0)


def test_each_part_has_its_price():
    assert cost(USE, 3000, PRICES) == Cost(memory=0.02, gpu=1, electricity=1.5, total=0.02 + 1 + 1.5)


def test_without_prices_everything_is_free_and_nothing_is_saved():
    nothing = cost(USE, 3000, FREE)

    result = money(nothing, nothing, FREE)

    assert nothing == Cost(memory=0, gpu=0, electricity=0, total=0)
    assert (result.saved, result.saved_ratio, result.currency) == (0, 0, "CHF")


def test_what_is_saved_is_told_in_money_and_as_a_share():
    result = money(cost(USE, 0, PRICES), Cost(memory=4, gpu=0, electricity=0.08, total=4.08), PRICES)

    assert result.saved == pytest.approx(3.06)
    assert result.saved_ratio == pytest.approx(0.75)


def test_twice_the_prices_are_twice_the_money():
    doubled = PriceList(currency="CHF", per_kwh=1, per_gb_hour=0.02, per_gpu_hour=4)

    assert cost(USE, 3000, doubled).total == pytest.approx(2 * cost(USE, 3000, PRICES).total)

"""The prices and the power of the receipt: tables of settings like any other, in which zero is a value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from delegator.errors import SettingsInvalid
from delegator.schemas import PowerModel, PriceList
from delegator.settings import Power, Prices, Settings


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DELEGATOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_one_price_may_be_set_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("delegator.toml").write_text('[prices]\ncurrency = "CHF"\n')
    monkeypatch.setenv("DELEGATOR_PRICES__PER_KWH", "0.4")
    monkeypatch.setenv("DELEGATOR_POWER__WATTS_COMPUTING", "300")

    settings = Settings.load()

    assert settings.prices == Prices(currency="CHF", per_kwh=0.4)
    assert settings.power == Power(watts_computing=300)


def test_every_price_and_every_watt_may_be_zero() -> None:
    free = {name: 0 for name, field in PriceList.model_fields.items() if field.annotation is float}
    dark = dict.fromkeys(PowerModel.model_fields, 0)

    settings = Settings.load(prices=free, power=dark)

    assert set(free) == {"per_kwh", "per_gb_hour", "per_gpu_hour"}
    assert [getattr(settings.prices, name) for name in free] == [0, 0, 0]
    assert (settings.power.watts_per_gb, settings.power.watts_computing) == (0, 0)


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "much"])
def test_what_is_no_price_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DELEGATOR_PRICES__PER_KWH", value)

    with pytest.raises(SettingsInvalid) as refused:
        Settings.load()

    assert "DELEGATOR_PRICES__PER_KWH" in refused.value.message


def test_a_price_that_does_not_exist_is_an_error_that_names_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELEGATOR_PRICES__PER_KW", "1")

    with pytest.raises(SettingsInvalid) as refused:
        Settings.load()

    assert "DELEGATOR_PRICES__PER_KWH" in refused.value.advice


@pytest.mark.parametrize("model", [PriceList, PowerModel])
def test_every_default_says_where_it_comes_from(model: type[PriceList] | type[PowerModel]) -> None:
    assert all(len(field.description or "") > 20 for field in model.model_fields.values())

"""What use costs by the prices set: memory and GPU by the hour, electricity by the kilowatt-hour."""

from __future__ import annotations

from delegator.schemas import Cost, PriceList, ReceiptMoney
from delegator.sessions.use import Use, saved_ratio

_S_PER_H = 3600.0
_WH_PER_KWH = 1000.0


def cost(use: Use, watt_hours: float, prices: PriceList) -> Cost:
    """Return the cost of one use, in the currency of `prices`."""
    memory = use.gb_seconds / _S_PER_H * prices.per_gb_hour
    gpu = use.gpu_seconds / _S_PER_H * prices.per_gpu_hour
    power = watt_hours / _WH_PER_KWH * prices.per_kwh
    return Cost(memory=memory, gpu=gpu, electricity=power, total=memory + gpu + power)


def money(used: Cost, all_roles: Cost, prices: PriceList) -> ReceiptMoney:
    """Return two costs side by side, and what the first saves against the second."""
    return ReceiptMoney(
        currency=prices.currency,
        used=used,
        all_roles=all_roles,
        saved=all_roles.total - used.total,
        saved_ratio=saved_ratio(used.total, all_roles.total),
    )

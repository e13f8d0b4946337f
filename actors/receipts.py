"""Receipts of the running system: what they are computed from, and the electricity that is measured for them.

The method is `delegator/sessions/receipt.py`. An ended session keeps the receipt it ended with: prices and measured
sizes may have changed since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from actors.parts import Parts
from delegator.endpoints import endpoints_of
from delegator.schemas import BasisModel, Event, PowerModel, PriceList, Receipt, ReceiptBasis
from delegator.sessions.energy_meter import EnergyMeter, find_counters
from delegator.sessions.receipt import compute_receipt
from delegator.settings import Settings
from delegator.store.records import NewEvent, SessionRecord

LOOK_EVERY_S = 60.0
"""Real seconds between two looks at the energy counters; they start again after some minutes under full load."""

_NOT_YET_WRITTEN = 2**62


async def receipt_of(parts: Parts, record: SessionRecord, closing: Sequence[NewEvent] = ()) -> Receipt:
    """Return a session's receipt: as it was stored at its end, else computed from the event log.

    Args:
        parts: store, catalogue, sizes and prices.
        record: the session, open or ended.
        closing: events that end it and will be written together with the receipt.
    """
    if (record.resources_used or {}).get("basis"):  # a former form is not kept: it cannot be recomputed
        return Receipt.model_validate(record.resources_used)
    events = await parts.store.session_events(record.session_id)
    last = max((event.event_id for event in events), default=0)
    return compute_receipt(
        record.session_id, [*events, *map(_as_written, closing)], basis_of(parts, record, last_event_id=last)
    )


def basis_of(parts: Parts, record: SessionRecord, *, last_event_id: int) -> ReceiptBasis:
    """Return what a receipt computed now rests on, beside the log up to `last_event_id`."""
    baseline = {role.model for role in parts.catalogue.roles.values()}
    sizes = parts.recorder.sizes
    return ReceiptBasis(
        agents_total=len(parts.catalogue.roles),
        models=[
            BasisModel(
                model=model.name,
                bytes=sizes.get(model.name, model.memory_bytes),
                measured=model.name in sizes,
                gpu=model.gpu,
                in_baseline=model.name in baseline,
            )
            for model in parts.catalogue.models.values()
        ],
        prices=PriceList.model_validate(parts.settings.prices.model_dump()),
        power=PowerModel.model_validate(parts.settings.power.model_dump()),
        clock_scale=record.clock_scale,
        simulated=record.simulated,
        final=record.ended_at is not None,
        until=record.ended_at or parts.clock.now(),
        last_event_id=last_event_id,
    )


def _as_written(event: NewEvent) -> Event:
    return Event(
        event_id=_NOT_YET_WRITTEN,
        at=event.at,
        kind=event.kind,
        session_id=event.session_id,
        role=event.role,
        model=event.model,
        data=event.data,
    )


class SessionEnergy:
    """The energy meter of a running system, looked at often enough while any session is open."""

    def __init__(self, meter: EnergyMeter) -> None:
        """Use that meter."""
        self._meter = meter
        self._next: asyncio.TimerHandle | None = None

    @classmethod
    def of(cls, settings: Settings) -> SessionEnergy:
        """Measure where real models, and no others, run on this machine, and its counters can be read."""
        here = all(endpoint.local and endpoint.node is None for endpoint in endpoints_of(settings))
        measurable = here and settings.models != "simulated"
        return cls(EnergyMeter(find_counters() if measurable else ()))

    def begin(self, session_id: str) -> None:
        """Measure for a session from now on."""
        self._meter.begin(session_id)
        if self._meter.is_running and self._next is None:
            self._next = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._meter.look()
        again = self._meter.is_running
        self._next = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look) if again else None

    def measured(self, session_id: str) -> dict[str, object]:
        """Return what the event that ends the session shall carry beside its reason."""
        return self._meter.measured(session_id)

    def leave(self, session_id: str) -> None:
        """Measure for it no longer."""
        self._meter.leave(session_id)

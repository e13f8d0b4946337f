"""Watches over the system: looks every few seconds, writes down what is raised and cleared, then tells of it.

The rules are `delegator/alerts`, the figures `actors/alert_figures.py`. An alert is told to nobody before its event is
durable; what was open when the process ended is read back from the event log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import version
from typing import Any

from pydantic import ValidationError
from ray.exceptions import RayError

from actors.alert_figures import AlertFigures
from actors.parts import Parts
from actors.webhook import Webhook
from delegator.alerts.rules import findings, in_words
from delegator.alerts.watch import Change, Key, Watch
from delegator.errors import DelegatorError
from delegator.schemas import Alert, EventKind, ListAlertsReply, ListAlertsRequest, ResourceSummaryReply
from delegator.store.records import NewEvent

log = logging.getLogger(__name__)


class Alerts:
    """One loop; looks never overlap."""

    def __init__(self, parts: Parts, resources: Callable[[], Awaitable[ResourceSummaryReply]]) -> None:
        """Watch over these parts; `resources` gives what is shown of them. Nothing is raised before `recall`."""
        self._parts = parts
        self._limits = parts.settings.alerts
        self._figures = AlertFigures(parts, resources)
        self._watch = Watch(self._limits, parts.clock)
        self._lock = asyncio.Lock()
        self._unwritten: list[tuple[Change, NewEvent]] = []
        """What was raised and cleared, but is not durable yet."""
        address = self._limits.webhook
        self._webhook = Webhook(address, deadline_s=self._limits.webhook_deadline_s) if address is not None else None

    async def recall(self) -> None:
        """Go on with what a former life has raised and not cleared."""
        self._watch = Watch(self._limits, self._parts.clock, _read(await self._parts.store.raised_alerts()))

    async def run_forever(self) -> None:
        """Look every `alerts.every_s`; an error of one look is logged and does not end the loop."""
        while True:
            await asyncio.sleep(self._limits.every_s)
            try:
                await self.look()
            except (DelegatorError, RayError) as exc:
                log.warning("alerts wait to be written down: %s", exc)
            except Exception:
                log.exception("a look for alerts failed unexpectedly")

    async def look(self) -> None:
        """Look once; return when what was raised and cleared is durable, and on its way to the webhook.

        Raises:
            StoreUnavailable: it could not be written down; the next look tries again.
        """
        async with self._lock:
            figures = await self._figures.take()
            changes = self._watch.look(findings(figures, self._limits), figures.unmeasured)
            self._unwritten += [(change, _event(change)) for change in changes]
            await self._write_down()

    async def _write_down(self) -> None:
        batch = self._unwritten[:]
        if not batch:
            return
        await self._parts.store.append_events([event for _, event in batch])  # again with the same uids is harmless
        del self._unwritten[: len(batch)]
        for change, _ in batch:
            log.warning("%s: %s %s", change.kind.value, change.alert.rule, change.alert.message)
            if self._webhook is not None:
                self._webhook.tell(_message(change))

    def raised(self) -> list[Alert]:
        """Return what is raised, with the figures of now, the latest raised first; only what is durable."""
        alerts: dict[Key, Alert] = {(alert.rule, alert.subject): alert for alert in self._watch.raised()}
        for change, _ in reversed(self._unwritten):
            if change.kind is EventKind.ALERT_RAISED:
                alerts.pop(change.key, None)
            else:
                alerts[change.key] = change.alert.model_copy(update={"cleared_at": None})
        return sorted(alerts.values(), key=lambda alert: alert.raised_at, reverse=True)

    async def listed(self, request: ListAlertsRequest) -> ListAlertsReply:
        """Return what is raised and what was lately."""
        past = _read(await self._parts.store.cleared_alerts(request.limit))
        webhook = self._webhook
        return ListAlertsReply(
            raised=self.raised(),
            past=past,
            rules=in_words(self._limits),
            webhook=webhook.host if webhook is not None else None,
            webhook_error=webhook.error if webhook is not None else None,
        )


def _event(change: Change) -> NewEvent:
    alert = change.alert
    return NewEvent(
        kind=change.kind,
        at=alert.cleared_at or alert.raised_at,
        role=alert.subject if alert.rule == "crash_loop" else None,
        data=alert.model_dump(mode="json"),
    )


def _message(change: Change) -> dict[str, Any]:
    return {
        "event": change.kind.value,
        "alert": change.alert.model_dump(mode="json"),
        "system": {"name": "delegator", "version": version("delegator")},
    }


def _read(stored: Iterable[dict[str, Any]]) -> list[Alert]:
    """Return alerts as their events hold them; what another version of Delegator has written may not be readable."""
    alerts = []
    for data in stored:
        try:
            alerts.append(Alert.model_validate(data))
        except ValidationError as exc:
            log.warning("an alert in the event log cannot be read: %s", exc.errors(include_input=False)[0]["msg"])
    return alerts

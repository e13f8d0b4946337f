"""Which endpoints are not to be trusted at this moment, and why.

Fed by what model hosts report (`host_suspect`, `host_recovered`, a load that came to its end) and by calls they leave
unanswered. Owned by the `SessionManager`; forgets everything with its process, as the hosts tell it anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

DOUBTED_S = 300.0
"""Real seconds after which a doubted endpoint is tried again: nobody tells us that an Ollama was restarted."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    reason: str
    since: float


class Doubts:
    """Reasons not to send work to an endpoint, by endpoint id."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Trust every endpoint. `now` gives rising real seconds."""
        self._now = now
        self._by_id: dict[str, _Doubt] = {}

    def note(self, endpoint_id: str, reason: str) -> None:
        """Doubt an endpoint from now on."""
        self._by_id[endpoint_id] = _Doubt(reason, self._now())

    def clear(self, endpoint_id: str) -> None:
        """Trust an endpoint again."""
        self._by_id.pop(endpoint_id, None)

    def seen(self, endpoint_id: str, suspect: str | None) -> None:
        """Take over what a host says of itself. An old suspicion told again does not begin anew."""
        known = self._by_id.get(endpoint_id)
        if suspect is None:
            self.clear(endpoint_id)
        elif known is None or known.reason != suspect:
            self.note(endpoint_id, suspect)

    def why(self, endpoint_id: str) -> str | None:
        """Say why an endpoint is not to be used; None when it may be, also for one that is to be tried again."""
        doubt = self._by_id.get(endpoint_id)
        return doubt.reason if doubt is not None and self._now() - doubt.since < DOUBTED_S else None

"""Says what may be held on each endpoint, by the `SessionManager`'s knowledge.

What a `ModelHost` has beyond these claims is nobody's; it is told them with every comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import uuid4

from actors.host_messages import Claims
from actors.parts import OpenSession
from actors.recorder import Recorder
from delegator.residency.demand import Outlook
from delegator.roles.catalogue import Model


class Claimant:
    """Makes claims in the name of one life of the `SessionManager`."""

    def __init__(
        self,
        recorder: Recorder,
        sessions: Callable[[], Iterable[OpenSession]],
        turns: Callable[[], frozenset[str]],
        outlook: Callable[[OpenSession, str], Outlook],
        pins: Callable[[str], tuple[Model, ...]],
    ) -> None:
        """Claim for the open `sessions` and the ids of the `turns` under way, as they are when it is asked.

        Args:
            outlook: what a session needs on an endpoint, for a host that has lost its memory.
            pins: what is pinned on an endpoint.
        """
        self._pins = pins
        self._outlook = outlook
        self._recorder = recorder
        self._sessions = sessions
        self._turns = turns
        self._life = uuid4().hex

    def claims_on(self, endpoint_id: str, *, remove_orphans: bool) -> Claims:
        """Return what is claimed on one endpoint now."""
        return Claims(
            held={s.session_id: self._recorder.held_by(s.session_id, endpoint_id) for s in self._sessions()},
            turns=self._turns(),
            loaded_by_us=self._recorder.loaded_on(endpoint_id),
            life=self._life,
            remove_orphans=remove_orphans,
            pins=self._pins(endpoint_id),
            outlooks=tuple(o for s in self._sessions() if (o := self._outlook(s, endpoint_id)).models),
        )

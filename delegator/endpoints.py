"""The Ollama endpoints of a system, as its settings name them: ids, addresses, nodes and their shares of memory.

Owns what an endpoint is called and how several on one machine share its memory. What is in that memory is the business
of each endpoint's `ModelHost`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from urllib.parse import urlsplit

from delegator.settings import EndpointSettings, Settings

FIRST_ID = "ollama"
"""Id of the only endpoint, or of the first; the others are numbered from 2, unless they have a name of their own."""

_LOOPBACK = frozenset({"localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One Ollama endpoint.

    Attributes:
        endpoint_id: short and stable: part of actors' names and of the record.
        memory_bytes: what it was given for models; None: its share of its machine's.
        node: the Ray node it was said to run on; None: as its address tells.
    """

    endpoint_id: str
    url: str
    memory_bytes: int | None = None
    node: str | None = None

    @property
    def host(self) -> str:
        """Return the machine's name or number in its address."""
        return urlsplit(self.url).hostname or ""

    @property
    def local(self) -> bool:
        """True where it runs on the machine that `up` is called on, by its address."""
        return self.host in _LOOPBACK or self.host.startswith("127.")


def endpoints_of(settings: Settings) -> tuple[Endpoint, ...]:
    """Return the endpoints in the order of the settings; at least one."""
    given = settings.endpoints or tuple(EndpointSettings(url=url) for url in settings.ollama_url.split(","))
    taken = {endpoint.name for endpoint in given}
    numbered = chain((FIRST_ID,), (f"{FIRST_ID}-{number}" for number in count(2)))
    free = (name for name in numbered if name not in taken)
    return tuple(Endpoint(e.name or next(free), e.url, e.memory, e.node) for e in given)


def shared_memory(endpoints: Sequence[Endpoint], machine_bytes: int) -> dict[str, int]:
    """Return the memory of those endpoints, which run on one machine, by id.

    What was given counts; the others share in equal parts what that leaves of the machine's `machine_bytes`, and have
    at least a byte each: models that do not fit are then refused, with the reason.
    """
    given = sum(endpoint.memory_bytes or 0 for endpoint in endpoints)
    sharing = sum(endpoint.memory_bytes is None for endpoint in endpoints)
    share = max(1, (machine_bytes - given) // sharing) if sharing else 0
    return {e.endpoint_id: share if e.memory_bytes is None else e.memory_bytes for e in endpoints}

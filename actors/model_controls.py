"""Loading, unloading and pinning models by hand, for the `SessionManager`.

Chooses the endpoint where the caller names none; the work is done by the endpoint's `ModelHost` (`by_hand.py`,
`pinned.py`), what is pinned is kept by `pins.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from actors.control_messages import ControlView, PinWish
from actors.host_handle import HostHandle
from actors.model_library import ModelLibrary
from actors.model_rows import Place, same
from actors.parts import OpenSession, Parts
from actors.pins import Pins, model_named
from delegator.errors import InvalidInput, ModelMissing, ModelNotFound
from delegator.roles.catalogue import Model
from delegator.schemas import ModelControlReply, ModelControlRequest
from delegator.settings import GB


class ModelControls:
    """See the module's head."""

    def __init__(
        self, parts: Parts, sessions: Callable[[], Iterable[OpenSession]], pins: Pins, library: ModelLibrary
    ) -> None:
        """Work on the parts' endpoints; `sessions` gives the open sessions, whose models keep their room."""
        self._parts = parts
        self._sessions = sessions
        self._pins = pins
        self._library = library

    async def load(self, request: ModelControlRequest) -> ModelControlReply:
        """See the operation `load_model`."""
        model = self._model(request)
        host = await self._to_load_on(request, model)
        return self._told(host, await host.load_model(model, request.wait_s))

    async def unload(self, request: ModelControlRequest) -> ModelControlReply:
        """See the operation `unload_model`."""
        model = self._model(request)
        host = await self._with(request, model)
        return self._told(host, await host.unload_model(model, request.wait_s))

    async def pin(self, request: ModelControlRequest) -> ModelControlReply:
        """See the operation `pin_model`."""
        model = self._model(request)
        host = await self._to_load_on(request, model)
        wish = PinWish(model, self._in_use_on(host), self._usual())
        with self._pins.coming(host.endpoint_id, model):
            view = await host.pin_model(wish, request.wait_s)
            if view.pinned:  # and not unpinned meanwhile
                await self._pins.put(host.endpoint_id, model)
        return self._told(host, view)

    async def unpin(self, request: ModelControlRequest) -> ModelControlReply:
        """See the operation `unpin_model`."""
        model = self._model(request)
        pinned_on = [self._parts.hosts.get(e) for e in self._pins.endpoints_of(model.name) if e in self._parts.hosts]
        named = self._parts.hosts.named(request.endpoint)
        host = named or (_only(pinned_on, model) if pinned_on else await self._with(request, model))
        await self._pins.drop(host.endpoint_id, model)
        return self._told(host, await host.unpin_model(model, request.wait_s))

    def _model(self, request: ModelControlRequest) -> Model:
        return model_named(request.model, self._parts.catalogue)

    # ── where ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _to_load_on(self, request: ModelControlRequest, model: Model) -> HostHandle:
        """Return the endpoint to load a model on: where it is, else the one with the most free memory that has it.

        Raises:
            ModelMissing: no endpoint has it on its disk.
        """
        named = self._parts.hosts.named(request.endpoint)
        if named is not None or len(self._parts.hosts) == 1:
            return named or self._parts.hosts.first
        places, _ = await self._library.look_everywhere()
        having = [place for place in places if place.disk.find(model.name) is not None]
        if not having:
            raise ModelMissing(", ".join(place.host.url for place in places), model.name)
        return min(having, key=lambda place: self._against(place, model)).host

    def _against(self, place: Place, model: Model) -> tuple[bool, bool, int]:
        """Return what speaks against loading a model there, the lesser the better."""
        memory = place.memory
        doubted = memory.suspect is not None or self._parts.hosts.doubts.why(place.host.endpoint_id) is not None
        free_bytes = memory.snapshot.capacity_bytes - memory.snapshot.used_bytes
        return (place.resident(model.name) is None and model.name not in memory.pins, doubted, -free_bytes)

    async def _with(self, request: ModelControlRequest, model: Model) -> HostHandle:
        """Return the only endpoint that has a model in memory, or failing that on its disk.

        Raises:
            ModelNotFound: none has.
            InvalidInput: several have: what leaves memory is not guessed.
        """
        named = self._parts.hosts.named(request.endpoint)
        if named is not None or len(self._parts.hosts) == 1:
            return named or self._parts.hosts.first
        places, _ = await self._library.look_everywhere()
        in_memory = [p.host for p in places if any(same(r.model, model.name) for r in p.memory.residents)]
        on_disk = [p.host for p in places if p.disk.find(model.name) is not None]
        if in_memory:
            return _only(in_memory, model)
        if not on_disk:
            raise ModelNotFound(model.name, "on any endpoint")
        return on_disk[0]

    # ── what a pin costs ─────────────────────────────────────────────────────────────────────────────────────────

    def _in_use_on(self, host: HostHandle) -> tuple[Model, ...]:
        places = {place for session in self._sessions() for place in session.places}
        names = sorted(name for endpoint, name in places if endpoint == host.endpoint_id)
        return tuple(model_named(name, self._parts.catalogue) for name in names)

    def _usual(self) -> tuple[Model, ...]:
        catalogue = self._parts.catalogue
        return tuple(catalogue.models[name] for name in dict.fromkeys(r.model for r in catalogue.roles.values()))

    def _told(self, host: HostHandle, view: ControlView) -> ModelControlReply:
        return ModelControlReply(
            model=view.model,
            endpoint=host.endpoint_id,
            state=view.state,
            pinned=view.pinned,
            memory_gb=view.size_bytes / GB,
            evicted=list(view.evicted),
            warnings=[self._warning(host, model) for model in view.shut_out],
            simulated=self._parts.simulated,
        )

    def _warning(self, host: HostHandle, model: str) -> str:
        roles = [role.name for role in self._parts.catalogue.roles.values() if same(role.model, model)]
        return (
            f"Beside what is pinned on {host.endpoint_id}, {model} finds no room there: {', '.join(roles)} will speak "
            "elsewhere or with another model."
        )


def _only(hosts: list[HostHandle], model: Model) -> HostHandle:
    if len(hosts) > 1:
        names = ", ".join(host.endpoint_id for host in hosts)
        raise InvalidInput("endpoint", f"is missing: several endpoints have '{model.name}'", f"Give one of: {names}.")
    return hosts[0]

"""What a backend says of the models on its disk, and what becomes of them when somebody acts on them by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from delegator import schemas as s
from delegator.errors import ModelInUse

if TYPE_CHECKING:
    from tests.browser.scene import Scene

ENDPOINT = "ollama"
URL = "http://127.0.0.1:11434"


@dataclass
class Library:
    """The disk of the one Ollama of a scene.

    Attributes:
        sizes: {model: GB in memory} of the models of the roles.
        roles: {model: roles}.
        on_disk: models that are there.
        pulls: {model: its download}.
    """

    sizes: dict[str, float]
    roles: dict[str, list[str]]
    on_disk: list[str] = field(default_factory=list)
    pulls: dict[str, s.Pull] = field(default_factory=dict)

    def answers(self, scene: Scene) -> dict[str, Callable[[Any], s.Reply]]:
        return {
            "list_models": lambda _: self._list(scene),
            "load_model": lambda request: self._load(scene, request),
            "unload_model": lambda request: self._unload(scene, request),
            "pin_model": lambda request: self._pin(scene, request, pinned=True),
            "unpin_model": lambda request: self._pin(scene, request, pinned=False),
            "pull_model": self._pull,
            "cancel_pull": lambda request: self.pull(request.model, status="cancelled"),
            "remove_model": lambda request: self._remove(scene, request),
        }

    def pull(self, model: str, *, ratio: float = 0.0, status: str = "running") -> s.Pull:
        """Let a download be as far as that."""
        before = self.pulls.get(model)
        ratio = before.progress_ratio if before is not None and status == "cancelled" else ratio
        self.pulls[model] = s.Pull.model_validate(
            {
                "model": model,
                "endpoint": ENDPOINT,
                "status": status,
                "phase": "pulling 6a0746a1ec1a",
                "completed_gb": 8 * ratio,
                "total_gb": 8,
                "progress_ratio": ratio,
                "seconds": 3,
                "simulated": False,
            }
        )
        if status == "completed" and model not in self.on_disk:
            self.on_disk.append(model)
        return self.pulls[model]

    def _list(self, scene: Scene) -> s.ListModelsReply:
        missing = [name for name in dict.fromkeys([*self.sizes, *self.pulls]) if name not in self.on_disk]
        rows = [self._row(scene, name) for name in [*self.on_disk, *missing]]
        disk = sum(row.disk_gb or 0 for row in rows)
        return s.ListModelsReply(catalogue="echo", models=rows, disk_gb=disk, simulated=scene.simulated)

    def _row(self, scene: Scene, name: str) -> s.ModelInfo:
        resident = next((model for model in scene.residents if model.model == name), None)
        there = name in self.on_disk
        return s.ModelInfo(
            model=name,
            endpoint=ENDPOINT if there else None,
            state="resident" if resident else "available" if there else "missing",
            disk_gb=round(self.sizes.get(name, 8.0) * 0.6, 1) if there else None,
            memory_gb=self.sizes.get(name),
            measured=resident is not None,
            roles=self.roles.get(name, []),
            fallback_of=[],
            needed=not there and name in self.sizes,
            held_by=resident.held_by if resident else [],
            pull=self.pulls.get(name),
        )

    def _load(self, scene: Scene, request: s.ModelControlRequest) -> s.ModelControlReply:
        scene.hold(request.model)
        return self._reply(scene, request.model, "resident")

    def _unload(self, scene: Scene, request: s.ModelControlRequest) -> s.ModelControlReply:
        resident = next(model for model in scene.residents if model.model == request.model)
        if resident.busy:
            raise ModelInUse(ENDPOINT, request.model, f"a turn of {resident.held_by[0]} runs on it")
        scene.residents = [model for model in scene.residents if model is not resident]
        return self._reply(scene, request.model, "absent")

    def _pin(self, scene: Scene, request: s.ModelControlRequest, *, pinned: bool) -> s.ModelControlReply:
        scene.hold(request.model)
        scene.residents = [
            model.model_copy(update={"pinned": pinned}) if model.model == request.model else model
            for model in scene.residents
        ]
        return self._reply(scene, request.model, "resident")

    def _reply(self, scene: Scene, name: str, state: Any) -> s.ModelControlReply:
        pinned = any(model.pinned for model in scene.residents if model.model == name)
        memory = self.sizes.get(name, 8.0)
        return s.ModelControlReply(
            model=name, endpoint=ENDPOINT, state=state, pinned=pinned, memory_gb=memory, simulated=scene.simulated
        )

    def _pull(self, request: s.PullModelRequest) -> s.Pull:
        return self.pull(request.model)

    def _remove(self, scene: Scene, request: s.ModelRef) -> s.RemoveModelReply:
        self.on_disk.remove(request.model)
        return s.RemoveModelReply(
            model=request.model, endpoint=ENDPOINT, disk_freed_gb=4.9, memory_freed_gb=0, simulated=scene.simulated
        )

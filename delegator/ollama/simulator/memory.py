"""Where memory goes on the simulated machine: what a model needs, what Ollama predicts, and who holds what.

Sizes are bytes. A device is `ram` or `gpu0`, `gpu1`, ...; a placement says how much of a model lies on which.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from delegator.ollama.simulator.models import ModelSpec
from delegator.ollama.simulator.profiles import GB, GIB, HostProfile

RAM = "ram"
COMPUTE_BYTES = round(0.45 * GB)
"""Compute buffers of one runner."""

NOISE = 0.03
FIT_RATIO = 0.8
"""Share of free GPU memory that Ollama's prediction may fill (item 20)."""

Placement = Mapping[str, int]


class OutOfMemory(Exception):
    """The machine does not have what a load allocates (item 21)."""


def cache_bytes(spec: ModelSpec, num_ctx: int, parallel: int) -> int:
    """Return what the cache takes by the formula: keys and values of two bytes for every layer and token."""
    return 2 * spec.layers * spec.kv_heads * spec.head_dim * num_ctx * parallel * 2


def predicted_bytes(spec: ModelSpec, num_ctx: int, parallel: int) -> int:
    """Return what Ollama believes the model will take when it decides where to put it (item 20)."""
    surcharge = 2 * GIB if num_ctx > 32768 else round(0.75 * GIB) if num_ctx > 4096 else 0
    return spec.file_bytes + cache_bytes(spec, num_ctx, parallel) + surcharge


def allocated_bytes(spec: ModelSpec, num_ctx: int, parallel: int) -> int:
    """Return what it really takes: near the formula, a little off it by a share that is the model's own."""
    cache = round(cache_bytes(spec, num_ctx, parallel) * spec.kv_ratio)
    off = int.from_bytes(hashlib.sha256(spec.weights.encode()).digest()[:4]) / 2**32 * 2 - 1
    return round((spec.file_bytes + cache + COMPUTE_BYTES) * (1 + NOISE * off))


@dataclass(slots=True)
class Device:
    """One kind of memory: its size, and what others than models hold of it."""

    total_bytes: int
    used_by_others: int = 0


class Memory:
    """The machine's memory and who holds it. Knows no models by name: holders are any hashable thing."""

    def __init__(self, profile: HostProfile) -> None:
        self._profile = profile
        self.devices = {RAM: Device(round(profile.ram_gb * GB), round(profile.base_used_gb * GB))}
        for index, gpu in enumerate(profile.gpus):
            self.devices[f"gpu{index}"] = Device(round(gpu.total_gb * GB))
        self._held: dict[object, Placement] = {}
        self.peak_bytes = 0

    def held_bytes(self, device: str | None = None) -> int:
        """Return what models hold, on one device or on all."""
        placements = self._held.values()
        if device is None:
            return sum(sum(placement.values()) for placement in placements)
        return sum(placement.get(device, 0) for placement in placements)

    def free_bytes(self, device: str) -> int:
        """Return what is free; negative where swap is in use."""
        return self.devices[device].total_bytes - self.devices[device].used_by_others - self.held_bytes(device)

    @property
    def gpu_names(self) -> list[str]:
        """The devices that are GPUs."""
        return [device for device in self.devices if device != RAM]

    @property
    def swapped_ratio(self) -> float:
        """How far allocations exceed the memory, as a share of it; 0 while all fits."""
        return max(0.0, -self.free_bytes(RAM) / self.devices[RAM].total_bytes)

    def allocate(self, holder: object, placement: Placement) -> None:
        """Take memory for `holder`.

        Raises:
            OutOfMemory: a GPU, or RAM and swap together, do not have it; nothing is taken.
        """
        swap = round(self._profile.swap_gb * GB)
        for device, size in placement.items():
            if size > self.free_bytes(device) + (swap if device == RAM else 0):
                raise OutOfMemory(device)
        self._held[holder] = placement
        self.peak_bytes = max(self.peak_bytes, self.held_bytes())

    def free(self, holder: object) -> None:
        """Give back what `holder` has, if anything."""
        self._held.pop(holder, None)

    def leak(self, size: int) -> None:
        """Lose memory to something that no list shows (fault `leak_gb`)."""
        device = "gpu0" if "gpu0" in self.devices else RAM
        self.devices[device].used_by_others += size

    def place(
        self, size: int, predicted: int, *, layers_on_gpu: int, main_gpu: int | None, alone: bool
    ) -> Placement | None:
        """Choose where a model of `size` goes.

        Without GPUs everything lies in RAM, unchecked. With GPUs: one GPU if the prediction fits into 80 % of what is
        free there, else spread over all of one library; when nothing else is loaded, what does not fit lies in RAM.

        Returns:
            The placement, or None when another model must go first (item 20).
        """
        gpus = self.gpu_names
        if not gpus or layers_on_gpu == 0:
            return {RAM: size}
        if main_gpu is not None and main_gpu < len(gpus):
            gpus = [gpus[main_gpu]]
        for gpu in sorted(gpus, key=self.free_bytes, reverse=True):
            if predicted <= FIT_RATIO * self.free_bytes(gpu):
                return {gpu: size}
        spread = self._one_library(gpus)
        room = {gpu: max(0, self.free_bytes(gpu)) for gpu in spread}
        if predicted <= FIT_RATIO * sum(room.values()):
            return _share(size, room)
        return self._split(size, room) if alone else None

    def _one_library(self, gpus: list[str]) -> list[str]:
        library = {gpu: self._profile.gpus[int(gpu.removeprefix("gpu"))].library for gpu in gpus}
        return max(
            ([gpu for gpu in gpus if library[gpu] == kind] for kind in dict.fromkeys(library.values())),
            key=lambda members: sum(map(self.free_bytes, members)),
        )

    def _split(self, size: int, room: Mapping[str, int]) -> Placement:
        usable = {gpu: round(free * 0.9) for gpu, free in room.items()}
        on_gpu = min(size, sum(usable.values()))
        return {**_share(on_gpu, usable), RAM: size - on_gpu} if on_gpu < size else _share(size, usable)


def _share(size: int, room: Mapping[str, int]) -> dict[str, int]:
    """Divide `size` over devices in proportion to their room; the last takes what rounding leaves."""
    total = sum(room.values()) or 1
    shares = {device: size * free // total for device, free in room.items()}
    last = list(shares)[-1]
    shares[last] += size - sum(shares.values())
    return {device: share for device, share in shares.items() if share}

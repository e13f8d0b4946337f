"""What pinning models does to the others: which of them find no room beside the pinned ones any more.

Pure. A pinned model is never unloaded, so another one can be had only in what all pinned ones leave; that one takes
its turn with the rest.
"""

from __future__ import annotations

from collections.abc import Mapping


def shut_out(
    pinned: Mapping[str, int], others: Mapping[str, int], *, capacity_bytes: int, max_models: int | None = None
) -> tuple[str, ...]:
    """Return those of `others` that fit the machine alone, but not beside what is pinned; the largest first.

    Args:
        pinned: bytes by model, of everything that would be pinned.
        others: bytes by model.
        capacity_bytes: what the endpoint has for models.
        max_models: most models its Ollama keeps loaded; None: not known.
    """
    left = capacity_bytes - sum(pinned.values())
    is_full = max_models is not None and len(pinned) >= max_models
    fitting = {model: size for model, size in others.items() if model not in pinned and size <= capacity_bytes}
    found = [model for model, size in fitting.items() if is_full or size > left]
    return tuple(sorted(found, key=lambda model: (-others[model], model)))

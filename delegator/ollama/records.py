"""What the client takes and gives: small frozen records. Sizes are bytes, times aware UTC, durations model seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict


class ChatMessage(TypedDict):
    """One message of a conversation; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """The canonical options of a model. They go out identically on every call: any difference makes Ollama reload."""

    num_ctx: int

    def as_json(self) -> dict[str, Any]:
        return {"num_ctx": self.num_ctx}


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model on the host's disk. `size_bytes` is its file; `remote` ones run elsewhere and take no memory here."""

    name: str
    size_bytes: int
    digest: str
    remote: bool


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory. `size_bytes` is all that is allocated for it, `gpu_bytes` the part of that on GPUs.

    While the model works, `expires_at` is stale or in the past; a model still being loaded is not listed at all.
    """

    name: str
    digest: str
    size_bytes: int
    gpu_bytes: int
    num_ctx: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model is, for estimates of its memory: zero where the host does not tell.

    Attributes:
        weights: SHA-256 of the weight file, in hex; the same under every name made from one base. Empty: not told.
        adapted: an adapter is loaded with the weights, so that names without it cannot share the runner.
    """

    architecture: str
    context_length: int
    block_count: int
    kv_heads: int
    head_dim: int
    capabilities: frozenset[str]
    weights: str = ""
    adapted: bool = False


@dataclass(frozen=True, slots=True)
class ChatEnd:
    """The last item of a reply. `load_s` is all waiting before the model was handed over: queue, evictions, load.

    `done_reason` is `stop`, `length` (cut off at `max_tokens` or the window), or empty when the host gives none.
    """

    prompt_tokens: int
    reply_tokens: int
    load_s: float
    prompt_s: float
    reply_s: float
    total_s: float
    done_reason: str


@dataclass(frozen=True, slots=True)
class PullProgress:
    """One line of a download; sizes are of the layer `digest`: 0 and empty where the line names none."""

    status: str
    completed_bytes: int
    total_bytes: int
    digest: str = ""

"""The models the simulator knows, with the figures that decide memory and speed.

File sizes are those of the published models. Two families that do not keep a full cache for every layer (hybrid,
sliding window) allocate only `kv_ratio` of what the formula says, so that an estimate is an upper bound for them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from delegator.ollama.names import normalise
from delegator.ollama.simulator.profiles import GB

COMPLETION = "completion"
TOOLS = "tools"
THINKING = "thinking"
VISION = "vision"
INSERT = "insert"
EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model.

    Attributes:
        name: normalised name.
        file_bytes: its weights on disk.
        params: as shown, such as `7.2B`.
        family: architecture; `mllama` cannot be loaded by newer engines.
        heads, kv_heads, head_dim, layers, train_ctx: shape, as `/api/show` tells it.
        kv_ratio: share of the cache formula that is really allocated.
        active_ratio: share of the weights read for one token (sparse models).
        one_slot: its family is never served in parallel (item 30).
        blob: name of the model whose weight file this one shares; its own name where it has its own.
        manifest: tells a model that was made from another with a prompt or parameters of its own; a mere copy has none.
        adapter: names what is loaded with the weights; a runner with another one is of no use (item 18).
        remote: runs elsewhere; takes no memory and is refused without an account.
    """

    name: str
    file_bytes: int
    params: str
    quant: str = "Q4_K_M"
    family: str
    layers: int
    heads: int
    kv_heads: int
    head_dim: int = 128
    train_ctx: int
    capabilities: tuple[str, ...] = (COMPLETION, TOOLS)
    kv_ratio: float = 1.0
    active_ratio: float = 1.0
    one_slot: bool = False
    blob: str = ""
    manifest: str = ""
    adapter: str = ""
    remote: bool = False

    @property
    def weights(self) -> str:
        """What identifies the weight file: runners are one per weight file, aliases share them (item 25)."""
        return self.blob or self.name

    @property
    def digest(self) -> str:
        """What tags and ps tell: that of the manifest, the same for a mere copy."""
        return hashlib.sha256(f"manifest {self.weights}{self.manifest}{self.adapter}".encode()).hexdigest()

    @property
    def weights_digest(self) -> str:
        """What names the weight file on disk."""
        return hashlib.sha256(f"weights {self.weights}".encode()).hexdigest()

    @property
    def adapter_digest(self) -> str:
        """What names the file of its adapter; empty where it has none."""
        return hashlib.sha256(f"adapter {self.adapter}".encode()).hexdigest() if self.adapter else ""

    @property
    def embedding_length(self) -> int:
        return self.heads * self.head_dim

    @property
    def embeds_only(self) -> bool:
        return EMBEDDING in self.capabilities and COMPLETION not in self.capabilities

    def can(self, capability: str) -> bool:
        return capability in self.capabilities


def _gb(size: float) -> int:
    return round(size * GB)


_PLAIN = (COMPLETION,)
_THINKS = (COMPLETION, TOOLS, THINKING)
_SEES = (COMPLETION, TOOLS, VISION)

MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(name="qwen2.5:14b", file_bytes=_gb(8.99), params="14.8B", family="qwen2",
                  layers=48, heads=40, kv_heads=8, train_ctx=32768),
        ModelSpec(name="deepseek-coder:33b", file_bytes=_gb(18.8), params="33B", quant="Q4_0", family="llama",
                  layers=62, heads=56, kv_heads=8, train_ctx=16384, capabilities=_PLAIN),
        ModelSpec(name="llama3.1:8b", file_bytes=_gb(4.92), params="8.0B", family="llama",
                  layers=32, heads=32, kv_heads=8, train_ctx=131072),
        ModelSpec(name="mistral:7b", file_bytes=_gb(4.37), params="7.2B", family="llama",
                  layers=32, heads=32, kv_heads=8, train_ctx=32768),
        ModelSpec(name="llama3.2-vision:11b", file_bytes=_gb(7.82), params="10.7B", family="mllama",
                  layers=40, heads=32, kv_heads=8, train_ctx=131072, capabilities=(COMPLETION, VISION), one_slot=True),
        ModelSpec(name="deepseek-coder:6.7b", file_bytes=_gb(3.83), params="7B", quant="Q4_0", family="llama",
                  layers=32, heads=32, kv_heads=32, train_ctx=16384, capabilities=_PLAIN),
        ModelSpec(name="codellama:13b", file_bytes=_gb(7.37), params="13B", quant="Q4_0", family="llama",
                  layers=40, heads=40, kv_heads=40, train_ctx=16384, capabilities=_PLAIN),
        ModelSpec(name="qwen3:8b", file_bytes=_gb(5.23), params="8.2B", family="qwen3",
                  layers=36, heads=32, kv_heads=8, train_ctx=40960, capabilities=_THINKS),
        ModelSpec(name="llama3.2:3b", file_bytes=_gb(2.02), params="3.2B", family="llama",
                  layers=28, heads=24, kv_heads=8, train_ctx=131072),
        ModelSpec(name="qwen2.5-coder:7b", file_bytes=_gb(4.68), params="7.6B", family="qwen2",
                  layers=28, heads=28, kv_heads=4, train_ctx=32768, capabilities=(COMPLETION, TOOLS, INSERT)),
        ModelSpec(name="qwen2.5-coder:14b", file_bytes=_gb(8.99), params="14.8B", family="qwen2",
                  layers=48, heads=40, kv_heads=8, train_ctx=32768, capabilities=(COMPLETION, TOOLS, INSERT)),
        ModelSpec(name="qwen3-coder:30b", file_bytes=_gb(18.56), params="30.5B", family="qwen3moe",
                  layers=48, heads=32, kv_heads=4, train_ctx=262144, active_ratio=0.12),
        ModelSpec(name="gpt-oss:20b", file_bytes=_gb(13.79), params="20.9B", quant="MXFP4", family="gptoss",
                  layers=24, heads=64, kv_heads=8, head_dim=64, train_ctx=131072, capabilities=_THINKS,
                  kv_ratio=0.6, active_ratio=0.2),
        ModelSpec(name="qwen3-vl:8b", file_bytes=_gb(6.14), params="8.8B", family="qwen3vl",
                  layers=36, heads=32, kv_heads=8, train_ctx=262144, capabilities=_SEES),
        ModelSpec(name="qwen3.5:9b", file_bytes=_gb(6.59), params="9.7B", family="qwen35",
                  layers=32, heads=16, kv_heads=4, head_dim=256, train_ctx=262144,
                  capabilities=(*_SEES, THINKING), kv_ratio=0.25),
        ModelSpec(name="gemma4:latest", file_bytes=_gb(9.61), params="8.0B", family="gemma4",
                  layers=42, heads=8, kv_heads=2, head_dim=256, train_ctx=131072,
                  capabilities=(*_SEES, THINKING), kv_ratio=0.3),
        ModelSpec(name="nomic-embed-text:latest", file_bytes=_gb(0.27), params="137M", quant="F16", family="nomic-bert",
                  layers=12, heads=12, kv_heads=12, head_dim=64, train_ctx=2048, capabilities=(EMBEDDING,),
                  one_slot=True),
    )
}  # fmt: skip
"""By normalised name: all the simulated registry has."""


def stand_in(name: str, *, loaded_gb: float, num_ctx: int) -> ModelSpec:
    """Return a model the table does not have, of a plain shape, that takes `loaded_gb` when loaded at `num_ctx`."""
    layers, kv_heads, head_dim = 16, 2, 128
    cache_bytes = 2 * layers * kv_heads * head_dim * 2 * num_ctx
    file_bytes = max(_gb(0.05), _gb(loaded_gb - 0.45) - cache_bytes)
    return ModelSpec(
        name=normalise(name), file_bytes=file_bytes, params="?", family="llama", layers=layers, heads=32,
        kv_heads=kv_heads, head_dim=head_dim, train_ctx=max(num_ctx, 8192),
    )  # fmt: skip


ALIASES = {
    "mistral:latest": "mistral:7b",
    "llama3.1:latest": "llama3.1:8b",
    "qwen3:latest": "qwen3:8b",
    "gemma4:e4b": "gemma4:latest",
}
"""Further names of the same weights; not installed unless a profile names them, and pullable like any other."""


def find(name: str) -> ModelSpec | None:
    """Return the model of the simulated registry that `name` means, an alias under its own name."""
    name = normalise(name)
    if name in MODELS:
        return MODELS[name]
    base = ALIASES.get(name)
    return replace(MODELS[base], name=name, blob=base) if base else None

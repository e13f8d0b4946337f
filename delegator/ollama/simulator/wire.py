"""The JSON the host answers with, field by field as Ollama has it (items 4, 5). Writes only; decides nothing."""

from __future__ import annotations

from typing import Any

from delegator.ollama.dialect.answers import modelfile
from delegator.ollama.simulator.clock import Clock
from delegator.ollama.simulator.library import Installed
from delegator.ollama.simulator.models import ModelSpec
from delegator.ollama.simulator.runner import Runner


def details(spec: ModelSpec) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": spec.family,
        "families": [spec.family],
        "parameter_size": spec.params,
        "quantization_level": spec.quant,
    }


def tags_entry(model: Installed) -> dict[str, Any]:
    spec = model.spec
    entry = {
        "name": spec.name,
        "model": spec.name,
        "modified_at": model.modified_at.isoformat(),
        "size": 384 if spec.remote else spec.file_bytes,
        "digest": spec.digest,
        "details": details(spec),
        "capabilities": list(spec.capabilities),
    }
    return {**entry, "remote_model": spec.name, "remote_host": "https://ollama.com:443"} if spec.remote else entry


def ps_entry(runner: Runner, clock: Clock, *, factor: float = 1.0) -> dict[str, Any]:
    """Return the entry of a loaded model; `factor` makes its sizes wrong (fault `ps_lies`)."""
    return {
        "name": runner.name,
        "model": runner.name,
        "size": round(runner.size_bytes * factor),
        "digest": runner.spec.digest,
        "details": details(runner.spec),
        "expires_at": clock.date_of(runner.expires_at).isoformat(),
        "size_vram": round(runner.gpu_bytes * factor),
        "context_length": runner.key.num_ctx,
    }


def show(model: Installed) -> dict[str, Any]:
    """Return what `/api/show` tells of a model."""
    spec, arch = model.spec, model.spec.family
    return {
        "modelfile": modelfile(
            spec.name, spec.weights_digest, template="{{ .Prompt }}", adapter_digest=spec.adapter_digest
        ),
        "parameters": 'stop                           "<|end|>"',
        "template": "{{ .Prompt }}",
        "details": details(spec),
        "model_info": {
            "general.architecture": arch,
            "general.file_type": 15,
            "general.parameter_count": round(
                float(spec.params.rstrip("BM")) * (1e6 if spec.params[-1] == "M" else 1e9)
            ),
            f"{arch}.context_length": spec.train_ctx,
            f"{arch}.block_count": spec.layers,
            f"{arch}.embedding_length": spec.embedding_length,
            f"{arch}.attention.head_count": spec.heads,
            f"{arch}.attention.head_count_kv": spec.kv_heads,
            f"{arch}.attention.key_length": spec.head_dim,
            "tokenizer.ggml.tokens": [],
        },
        "capabilities": list(spec.capabilities),
        "modified_at": model.modified_at.isoformat(),
    }

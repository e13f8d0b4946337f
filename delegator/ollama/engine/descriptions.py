"""What the host tells of its models: the entries of tags and ps, and the answer of show (item 4)."""

from __future__ import annotations

from typing import Any

from delegator.ollama.dialect.answers import date_after, modelfile
from delegator.ollama.engine.library import ModelFile
from delegator.ollama.engine.runner import Runner

_QUANTIZATION = {0: "F32", 1: "F16", 2: "Q4_0", 7: "Q8_0", 15: "Q4_K_M", 17: "Q5_K_M", 18: "Q6_K", 32: "BF16"}
"""{`general.file_type`: as shown}, of the usual ones."""


def details(model: ModelFile) -> dict[str, Any]:
    """Return the part that all three share."""
    millions = model.parameters / 1e6
    return {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family],
        "parameter_size": f"{millions / 1000:.1f}B" if millions >= 1000 else f"{millions:.2f}M",
        "quantization_level": _QUANTIZATION.get(int(model.info.get("general.file_type", -1)), "unknown"),
    }


def tags_entry(model: ModelFile) -> dict[str, Any]:
    return {
        "name": model.name,
        "model": model.name,
        "modified_at": model.modified_at.isoformat(),
        "size": model.size_bytes,
        "digest": model.digest,
        "details": details(model),
        "capabilities": list(model.capabilities),
    }


def ps_entry(runner: Runner) -> dict[str, Any]:
    """Return the entry of a loaded model; its size is what the operating system counted when it was loaded."""
    return {
        "name": runner.model.name,
        "model": runner.model.name,
        "size": runner.process.size_bytes,
        "digest": runner.model.digest,
        "details": details(runner.model),
        "expires_at": date_after(runner.left_s).isoformat(),
        "size_vram": 0,
        "context_length": runner.key.num_ctx,
    }


def show(model: ModelFile) -> dict[str, Any]:
    return {
        "modelfile": modelfile(model.name, model.digest, template=model.template),
        "parameters": "",
        "template": model.template,
        "details": details(model),
        "model_info": {**model.info, "general.parameter_count": model.parameters},
        "capabilities": list(model.capabilities),
        "modified_at": model.modified_at.isoformat(),
    }

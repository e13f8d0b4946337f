"""Reads Ollama's JSON into records. Owns the field names of the wire; knows no HTTP, raises only `MalformedReply`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from delegator.ollama.names import is_remote, normalise
from delegator.ollama.records import ChatEnd, InstalledModel, LoadedModel, ModelFacts

_NANO = 1e-9
_EPOCH = datetime(1, 1, 2, tzinfo=UTC)

_WEIGHTS = re.compile(r"\A(?:[ \t]*(?:#.*)?\r?\n)*FROM [^\n]*sha256[-:]([0-9a-fA-F]{64})\b")
"""The first command of a Modelfile as `/api/show` writes it: the file of the weights, named by its digest."""

_ADAPTER = re.compile(r"^ADAPTER [^\n]*sha256[-:][0-9a-fA-F]{64}\b", re.MULTILINE)


class MalformedReply(ValueError):
    """The host's words are not the JSON that Ollama speaks. Never leaves this package: the border translates it."""


def read_object(text: str | bytes) -> dict[str, Any]:
    """Read one JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise MalformedReply(f"not JSON: {shorten(text)}") from exc
    if not isinstance(value, dict):
        raise MalformedReply(f"not a JSON object: {shorten(text)}")
    return value


def shorten(text: str | bytes, limit: int = 120) -> str:
    """Return the beginning of a foreign text, on one line, fit for an error message."""
    if isinstance(text, bytes):
        text = text[: limit * 4].decode("utf-8", "replace")
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def read_version(body: Mapping[str, Any]) -> str:
    version = body.get("version")
    if not isinstance(version, str):
        raise MalformedReply("no version in the answer: is this Ollama?")
    return version


def read_scale(body: Mapping[str, Any]) -> float:
    """Read `/_sim/about`, which only Delegator's simulator answers: model seconds per real second."""
    scale = body.get("scale")
    if not isinstance(scale, (int, float)) or isinstance(scale, bool) or scale <= 0:
        raise MalformedReply("`scale` is not a positive number")
    return float(scale)


def read_installed(body: Mapping[str, Any]) -> list[InstalledModel]:
    """Read `/api/tags`."""
    return [
        InstalledModel(
            name=normalise(_text(entry, "name")),
            size_bytes=_whole(entry, "size"),
            digest=_text(entry, "digest", missing=""),
            remote=bool(entry.get("remote_host")) or is_remote(_text(entry, "name")),
        )
        for entry in _entries(body)
    ]


def read_loaded(body: Mapping[str, Any]) -> list[LoadedModel]:
    """Read `/api/ps`."""
    return [
        LoadedModel(
            name=normalise(_text(entry, "name")),
            digest=_text(entry, "digest", missing=""),
            size_bytes=_whole(entry, "size"),
            gpu_bytes=_whole(entry, "size_vram"),
            num_ctx=_whole(entry, "context_length"),
            expires_at=_moment(entry.get("expires_at")),
        )
        for entry in _entries(body)
    ]


def read_facts(body: Mapping[str, Any]) -> ModelFacts:
    """Read `/api/show`. Without a stated key length a head is as wide as the embedding divided by the heads.

    Which weights a name stands for is told by its Modelfile alone: the digest of `/api/tags` is that of the manifest,
    which differs between two names as soon as one has another prompt or parameter.
    """
    info = body.get("model_info")
    info = info if isinstance(info, dict) else {}
    architecture = info.get("general.architecture")
    architecture = architecture if isinstance(architecture, str) else ""

    def fact(name: str) -> int:
        return _whole(info, f"{architecture}.{name}")

    heads = fact("attention.head_count")
    capabilities = body.get("capabilities")
    modelfile = body.get("modelfile")
    modelfile = modelfile if isinstance(modelfile, str) else ""
    weights = _WEIGHTS.search(modelfile)
    return ModelFacts(
        architecture=architecture,
        context_length=fact("context_length"),
        block_count=fact("block_count"),
        kv_heads=fact("attention.head_count_kv") or heads,
        head_dim=fact("attention.key_length") or (fact("embedding_length") // heads if heads else 0),
        capabilities=frozenset(map(str, capabilities)) if isinstance(capabilities, list) else frozenset(),
        weights=weights[1].lower() if weights else "",
        adapted=_ADAPTER.search(modelfile) is not None,
    )


def read_piece(line: Mapping[str, Any]) -> str:
    """Return the text of one line of a chat; empty for lines that carry thinking or metrics alone."""
    message = line.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""


def read_end(line: Mapping[str, Any]) -> ChatEnd:
    """Read the metrics of a closing line; Ollama leaves zero ones out."""
    reason = line.get("done_reason")
    return ChatEnd(
        prompt_tokens=_whole(line, "prompt_eval_count"),
        reply_tokens=_whole(line, "eval_count"),
        load_s=seconds_of(line, "load_duration"),
        prompt_s=seconds_of(line, "prompt_eval_duration"),
        reply_s=seconds_of(line, "eval_duration"),
        total_s=seconds_of(line, "total_duration"),
        done_reason=reason if isinstance(reason, str) else "",
    )


def seconds_of(line: Mapping[str, Any], key: str) -> float:
    """Return a duration, sent as nanoseconds, in seconds."""
    return _whole(line, key) * _NANO


def _entries(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    models = body.get("models")
    if models is None:
        return []
    if not isinstance(models, list) or not all(isinstance(entry, dict) for entry in models):
        raise MalformedReply("`models` is not a list of objects")
    return models


def _text(entry: Mapping[str, Any], key: str, *, missing: str | None = None) -> str:
    value = entry.get(key, missing)
    if not isinstance(value, str):
        raise MalformedReply(f"`{key}` is not text")
    return value


def _whole(entry: Mapping[str, Any], key: str) -> int:
    value = entry.get(key)
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0


def _moment(value: Any) -> datetime:
    """Read a time with its offset as UTC; one that cannot be read is long past."""
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return _EPOCH

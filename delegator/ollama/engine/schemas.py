"""What `format` asks for, in the words of this engine (item 11).

Ollama's engine turns a schema into llama.cpp's own grammar: only the stated properties, hardly any white space. Ours
was built with another library for that, llguidance, which takes the schema by the letter: further properties wherever
it does not forbid them, white space without end. An untrained model would fill its reply with both.
"""

from __future__ import annotations

from typing import Any

_COMPACT = {"x-guidance": {"whitespace_flexible": False}}


def constraint(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema the engine needs to write what Ollama would; `{}` stands for any JSON object."""
    return {**_closed(schema or {"type": "object"}), **_COMPACT}


def _closed(part: Any) -> Any:
    """Forbid further properties wherever some are stated and nothing is said about others."""
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {key: _closed(value) for key, value in part.items()}
    if isinstance(part.get("properties"), dict):
        closed["properties"] = {name: _closed(value) for name, value in part["properties"].items()}
        closed.setdefault("additionalProperties", False)
    return closed

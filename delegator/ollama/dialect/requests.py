"""Reads the body of generate, chat and embed, in Ollama's order of checks (items 2, 7, 9, 10, 11)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from delegator.ollama.dialect.durations import DurationInvalid, read_keep_alive


class ApiError(Exception):
    """An answer with an error status: `{"error": text}`."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation as the model sees it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Inference:
    """A request to generate or chat.

    Attributes:
        chat: it came through `/api/chat`.
        name: the model as sent; replies echo it.
        messages: what to answer; a prompt with its system text becomes messages too. Empty: load or unload only.
        keep_alive_s: as stated; None where it was not.
        think: as stated; None leaves it to the model.
        tools: function descriptions as sent.
        schema: what `format` asks for: `{}` any JSON, None free text.
        truncate: cut what is too long; otherwise it is refused.
    """

    chat: bool
    name: str
    messages: tuple[Message, ...]
    keep_alive_s: float | None
    stream: bool
    options: dict[str, Any]
    think: bool | str | None
    tools: tuple[dict[str, Any], ...]
    schema: dict[str, Any] | None
    truncate: bool
    shift: bool

    @property
    def tool_names(self) -> tuple[str, ...]:
        functions = (tool.get("function") for tool in self.tools)
        return tuple(
            str(function["name"]) for function in functions if isinstance(function, dict) and "name" in function
        )


def read_json(raw: bytes) -> dict[str, Any]:
    """Read the body of any POST."""
    if not raw.strip():
        raise ApiError(400, "missing request body")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise ApiError(400, f"invalid character in request body: {exc}") from None
    if not isinstance(body, dict):
        raise ApiError(400, f"json: cannot unmarshal {_json_kind(body)} into Go value of type api.Request")
    return body


def read_inference(raw: bytes, *, chat: bool) -> Inference:
    """Read a request to generate or chat."""
    body = read_json(raw)
    messages = _messages(body) if chat else _prompt(body)
    tools = field(body, "tools", list, [])
    return Inference(
        chat=chat,
        name=field(body, "model", str, ""),
        messages=messages,
        keep_alive_s=keep_alive(body),
        stream=field(body, "stream", bool, True),
        options=field(body, "options", dict, {}),
        think=_think(body.get("think")),
        tools=tuple(tool for tool in tools if isinstance(tool, dict)),
        schema=_schema(body.get("format")),
        truncate=field(body, "truncate", bool, True),
        shift=field(body, "shift", bool, True),
    )


def field(body: dict[str, Any], key: str, kind: type, missing: Any) -> Any:
    """Return a field of the right kind, or what stands for a missing one; any other kind is a 400."""
    value = body.get(key)
    if value is None:
        return missing
    if not isinstance(value, kind):
        raise ApiError(
            400, f"json: cannot unmarshal {_json_kind(value)} into Go struct field .{key} of type {kind.__name__}"
        )
    return value


def keep_alive(body: dict[str, Any]) -> float | None:
    """Return the stated keep_alive in seconds."""
    try:
        return read_keep_alive(body.get("keep_alive"))
    except DurationInvalid as exc:
        raise ApiError(400, str(exc)) from None


def _messages(body: dict[str, Any]) -> tuple[Message, ...]:
    read = []
    for item in field(body, "messages", list, []):
        if not isinstance(item, dict):
            raise ApiError(
                400, f"json: cannot unmarshal {_json_kind(item)} into Go struct field .messages of type api.Message"
            )
        read.append(Message(field(item, "role", str, ""), field(item, "content", str, "")))
    return tuple(read)


def _prompt(body: dict[str, Any]) -> tuple[Message, ...]:
    prompt, system = field(body, "prompt", str, ""), field(body, "system", str, "")
    if not prompt:
        return ()
    return ((Message("system", system),) if system else ()) + (Message("user", prompt),)


def _think(value: Any) -> bool | str | None:
    if value is None or isinstance(value, bool) or value in ("low", "medium", "high", "max"):
        checked: bool | str | None = value
        return checked
    raise ApiError(
        400, f'invalid think value: {json.dumps(value)} (must be "high", "medium", "low", "max", true, or false)'
    )


def _schema(value: Any) -> dict[str, Any] | None:
    if value in (None, ""):
        return None
    if value == "json":
        return {}
    if isinstance(value, dict):
        return value
    raise ApiError(400, f'invalid format: {json.dumps(value)}; expected "json" or a valid JSON Schema object')


def _json_kind(value: Any) -> str:
    kinds = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")

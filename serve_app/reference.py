"""Writes the reference pages of the documentation from the code: `python -m serve_app.reference`.

`docs/operations.md` comes from the table of operations, `docs/settings.md` from the settings tree. A test compares the
pages with what this would write, so that neither can drift.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from delegator.schemas import Reply
from delegator.settings import Settings
from delegator.settings_errors import PREFIX
from serve_app.operations import OPERATIONS, Operation

DOCS = Path(__file__).parent.parent / "docs"


def operations_page() -> str:
    """Return the page of all operations."""
    lines = [
        "# Operations",
        "",
        "One table, `serve_app/operations.py`, makes the HTTP routes, the MCP tools, the client and the commands. Each",
        "takes and returns models of `delegator/schemas.py`; every error has a stable `code`, a message and a hint.",
        "",
    ]
    topics = dict.fromkeys(op.topic for op in OPERATIONS)
    for topic in topics:
        lines += [
            f"## {topic}",
            "",
            "| MCP tool, client method | HTTP | what it does | input | output |",
            "|---|---|---|---|---|",
        ]
        lines += [_operation_row(op) for op in OPERATIONS if op.topic == topic]
        lines.append("")
    return "\n".join(lines)


def _operation_row(op: Operation) -> str:
    route = f"`{op.method} {op.path}`" if op.method else "MCP only"
    return f"| `{op.name}` | {route} | {op.description} | {_fields(op.request)} | {_fields(op.reply)} |"


def _fields(model: type[BaseModel]) -> str:
    shown = []
    for name, field in model.model_fields.items():
        word = field.alias or name
        shown.append(f"`{word}`" if field.is_required() or issubclass(model, Reply) else f"`{word}`?")
    return ", ".join(shown) or "nothing"


def settings_page() -> str:
    """Return the page of all settings."""
    lines = [
        "# Settings",
        "",
        "Every setting can stand in `delegator.toml` (in the working folder, or at `DELEGATOR_CONFIG`) and in the",
        f"environment as `{PREFIX}<NAME>`; some are options of `delegator up`. The later wins. A wrong value or an",
        "unknown name is an error that says what would be right.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        lines += _setting_rows(name, field)
    return "\n".join([*lines, ""])


def _setting_rows(name: str, field: FieldInfo) -> list[str]:
    """Return a row of one setting; of a table of plain values, a row of each."""
    table = field.default
    if isinstance(table, BaseModel) and not any(isinstance(value, dict) for value in table.model_dump().values()):
        parts = type(table).model_fields
        return [row for part in parts for row in _setting_rows(f"{name}.{part}", parts[part])]
    return [f"| `{name}` | {_default(table)} | {field.description or ''} |"]


def _default(value: object) -> str:
    if value is None or value is PydanticUndefined or value == ():
        return "none"
    if isinstance(value, BaseModel):
        levels = value.model_dump()
        return "; ".join(
            f"{level}: {limit['max_agents']} agents, {limit['max_memory_gb']:g} GB" for level, limit in levels.items()
        )
    return f"`{value}`"


PAGES = {"operations.md": operations_page, "settings.md": settings_page}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

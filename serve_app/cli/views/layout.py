"""The few shapes all views are made of: tables, lists of facts, headings.

Everything that comes from outside passes `clean` or `one_line` here, so no view can print what a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rich.console import RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from serve_app.formats import clean, one_line

Cell = str | int | float | Text | None

SIMULATED = "simulated"


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, whole: Sequence[str] = ()) -> Table:
    """Return rows under their headings; a heading that starts with '>' is of numbers, right-aligned.

    Args:
        columns: headings.
        rows: one cell per column; None is a dash.
        whole: headings of columns that may wrap but never lose characters nor break before others do, such as ids.
    """
    shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in columns:
        name = heading.removeprefix(">")
        side: Literal["left", "right"] = "right" if heading.startswith(">") else "left"
        shown.add_column(name, justify=side, overflow="fold", no_wrap=name in whole)
    for row in rows:
        shown.add_row(*(_cell(value) for value in row))
    return shown


def _cell(value: Cell) -> Text:
    if isinstance(value, Text):
        return value
    return Text("–" if value is None or value == "" else one_line(str(value)))


def facts(pairs: Iterable[tuple[str, Cell]]) -> Table:
    """Return names with their values, one a line; pairs without a value are left out."""
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(style="dim", max_width=36)
    shown.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None and value != "":
            shown.add_row(Text(name), _cell(value))
    return shown


def line(*parts: str | tuple[str, str] | Text) -> Text:
    """Return one line made of texts, of texts with a style, and of texts that are made already."""
    made = Text()
    for part in parts:
        if isinstance(part, Text):
            made.append_text(part)
        elif isinstance(part, str):
            made.append(clean(part).replace("\n", " "))
        else:
            made.append(clean(part[0]).replace("\n", " "), style=part[1])
    return made


def heading(title: str, *, note: str = "") -> Text:
    """Return a title above something, with a remark behind it."""
    return line((one_line(title), "bold"), (f"  {one_line(note)}" if note else "", "dim"))


def rule(title: str, *, note: str = "") -> Rule:
    """Return a line across the page that carries a title."""
    return Rule(heading(title, note=note), align="left", style="dim")


def prose(text: str) -> RenderableType:
    """Return a text of somebody else's, line breaks kept, set in by two."""
    return Padding(Text(clean(text).strip()), (0, 0, 0, 2))


def remarks(notes: Iterable[str]) -> list[RenderableType]:
    """Return what a caller should know, one line each."""
    return [line(("note: ", "yellow"), one_line(note)) for note in notes]


def remark_on_simulation() -> Text:
    """Return the line that tells of simulated figures where the reply has no place for it."""
    return line((f"Models are {SIMULATED}, and so are the sizes and seconds shown.", "yellow"))


def names(values: Iterable[str]) -> str:
    """Return names in one cell, or nothing."""
    return ", ".join(one_line(value) for value in values)


def state(word: str) -> Text:
    """Return a status word in its colour."""
    return line((word.replace("_", " "), _COLOURS.get(word, "")))


_COLOURS = {
    "ready": "green",
    "active": "green",
    "completed": "green",
    "ok": "green",
    "running": "cyan",
    "starting": "cyan",
    "queued": "cyan",
    "needs_input": "yellow",
    "waits_for_an_answer": "yellow",
    "warn": "yellow",
    "cancelled": "yellow",
    "hibernated": "dim",
    "failed": "red",
    "fail": "red",
}

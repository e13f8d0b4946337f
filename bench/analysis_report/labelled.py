"""Labelled texts: those of the project's corpus that were held back, and those of any file a user gives."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from delegator.analysis.corpus import Row
from delegator.roles.rank import KNOWN_LEVELS
from delegator.task_analysis import AnalyzeTaskRequest
from delegator.words import TaskType

HELD_BACK = "held back"
"""The name of the corpus part that only measures."""


class TextsInvalid(ValueError):
    """A file of texts cannot be used; says the file, the line, and what is wrong."""


@dataclass(frozen=True)
class Labelled:
    """One text with what it is; None where its labeller did not say.

    Attributes:
        group: the style of a corpus text, the source of another one; empty where none is known.
    """

    text: str
    task_type: str | None
    role: str | None
    group: str = ""


@dataclass(frozen=True)
class TextSet:
    """Texts that are measured together."""

    name: str
    rows: tuple[Labelled, ...]

    def parts(self, *, by_group: bool) -> list[tuple[str, list[int]]]:
        """Return (name, places) of the whole and, `by_group` where there are several, of each, the largest first."""
        whole = (self.name, list(range(len(self.rows))))
        groups: dict[str, list[int]] = {}
        for place, row in enumerate(self.rows):
            groups.setdefault(row.group, []).append(place)
        if not by_group or len(groups) < 2:
            return [whole]
        ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
        return [whole, *((f"{self.name}: {name or 'no source'}", places) for name, places in ordered)]

    def sample(self, count: int | None) -> TextSet:
        """Return at most so many of the texts, the same ones each time."""
        if count is None or count >= len(self.rows):
            return self
        return TextSet(self.name, tuple(random.Random(0).sample(self.rows, count)))


def held_back(rows: Iterable[Row]) -> TextSet:
    """Return the corpus rows that nothing was trained or tuned on; whose own work a text is counts as its role."""
    found = (
        Labelled(row.text, row.task_type.value, row.roles[0], row.style) for row in rows if row.part == "held_back"
    )
    return TextSet(HELD_BACK, tuple(found))


def read_jsonl(path: Path) -> TextSet:
    """Read a file of one JSON object a line: text, expected_task_type, expected_role, and perhaps source.

    Raises:
        TextsInvalid: it cannot be read, has no rows, or a row is not what it should be.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise TextsInvalid(f"{path}: cannot be read: {exc}") from exc
    rows = [_row(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise TextsInvalid(f"{path}: has no rows; one JSON object a line is expected")
    return TextSet(path.stem, tuple(rows))


def _row(line: str, place: str) -> Labelled:
    try:
        found = json.loads(line)
    except ValueError as exc:
        raise TextsInvalid(f"{place}: is no JSON: {exc}") from None
    if not isinstance(found, dict):
        raise TextsInvalid(f'{place}: is no JSON object; write for example {{"text": "Fix typo in README"}}')
    text = found.get("text")
    if not isinstance(text, str):
        raise TextsInvalid(f"{place}: text is missing, or no text")
    try:
        AnalyzeTaskRequest(task_description=text)
    except ValidationError as exc:
        problem = exc.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise TextsInvalid(f"{place}: text cannot be analysed: {problem}") from None
    return Labelled(
        text,
        _label(found, "expected_task_type", tuple(TaskType), place),
        _label(found, "expected_role", tuple(KNOWN_LEVELS), place),
        str(found.get("source") or ""),
    )


def _label(found: dict[str, Any], key: str, known: Sequence[str], place: str) -> str | None:
    label = found.get(key)
    if label is None:
        return None
    if label not in known:
        raise TextsInvalid(f"{place}: {key} is {label!r}; it is null or one of {', '.join(known)}")
    return str(label)

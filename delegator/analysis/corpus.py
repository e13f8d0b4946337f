"""The corpus the learned reading is trained from: task texts written for this project, with their labels.

Owns the format of the files in `corpus/` and which rows are held back. A file is read line by line: a heading
`== type | roles | style` labels the lines below it, each of which is one text. Whose own work it is stands first
among the roles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Literal

from delegator.roles.rank import KNOWN_LEVELS
from delegator.words import TaskType

Part = Literal["train", "tune", "held_back"]

TUNE_PERCENT, HELD_BACK_PERCENT = 8, 10
"""Shares of the corpus: `tune` sets probabilities and thresholds, `held_back` only measures."""

STYLES = frozenset({"issue", "commit", "release_note", "duty", "request", "question", "brief", "chat"})

_NO_SIGN = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One text and what it is."""

    text: str
    task_type: TaskType
    roles: tuple[str, ...]
    style: str

    @property
    def part(self) -> Part:
        """Which part it belongs to: by its own text, so that more rows never move it into another."""
        percent = int.from_bytes(sha256(bare(self.text).encode()).digest()[:4]) % 100
        if percent < HELD_BACK_PERCENT:
            return "held_back"
        return "tune" if percent < HELD_BACK_PERCENT + TUNE_PERCENT else "train"


class CorpusInvalid(ValueError):
    """A corpus file does not keep the format; says file, line and what is wrong."""


def read_corpus() -> list[Row]:
    """Return every row of the project's corpus, file by file; of texts that are the same but for signs, the first.

    Raises:
        CorpusInvalid: a file does not keep the format.
    """
    folder = files("delegator.analysis").joinpath("corpus")
    rows: dict[str, Row] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".txt"):
            for row in parse(file.name, file.read_text(encoding="utf-8").splitlines()):
                rows.setdefault(bare(row.text), row)
    return list(rows.values())


def parse(name: str, lines: Iterable[str]) -> Iterator[Row]:
    """Read the lines of one file; `name` stands in errors."""
    heading: tuple[TaskType, tuple[str, ...], str] | None = None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith("== "):
            heading = _heading(text, f"{name}:{number}")
        elif text:
            if heading is None:
                raise CorpusInvalid(f"{name}:{number}: a text before the first heading")
            yield Row(text, *heading)


def digest_of(rows: Iterable[Row]) -> str:
    """Return a short fingerprint of texts and labels: weights say by it what they were trained from."""
    found = sha256()
    for row in rows:
        found.update("\t".join((row.task_type, *row.roles, row.style, row.text)).encode() + b"\n")
    return found.hexdigest()[:16]


def _heading(text: str, place: str) -> tuple[TaskType, tuple[str, ...], str]:
    parts = [part.strip() for part in text.removeprefix("== ").split("|")]
    if len(parts) != 3:
        raise CorpusInvalid(f"{place}: a heading has three parts: == type | roles | style")
    task_type, roles, style = parts[0], tuple(parts[1].split()), parts[2]
    if task_type not in set(TaskType):
        raise CorpusInvalid(f"{place}: there is no task type {task_type!r}")
    unknown = [role for role in roles if role not in KNOWN_LEVELS]
    if not roles or unknown or len(set(roles)) < len(roles):
        raise CorpusInvalid(f"{place}: names no roles, one twice, or one that is not known: {' '.join(roles)!r}")
    if style not in STYLES:
        raise CorpusInvalid(f"{place}: there is no style {style!r}")
    return TaskType(task_type), roles, style


def bare(text: str) -> str:
    return _NO_SIGN.sub(" ", text.lower()).strip() or text

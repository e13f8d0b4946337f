"""Reads Delegator's own prompts, so that a simulated agent can show what it was asked.

The prompt is data from outside: nothing in it is trusted, every part may be missing, and reading takes linear time.
The headings are those that Delegator writes; see `Asked` for what each becomes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from delegator.ollama.dialect.requests import Message

_YOUR_ROLE = re.compile(r"\A\s*# Your role: ([^\n(]{1,80})(?:\(([^\n]{0,80})\))?[^\n]*\n?")
_YOUR_TURN = re.compile(r"^# Your turn: *(\w{1,20})", re.MULTILINE)
_SAID = re.compile(r"\A\s*# ([^\n]{1,80}?) said *\n")
_MESSAGE_FROM = re.compile(r"\A\s*# Message from ([^\n]{1,80})\n")
_ROLE_LINE = re.compile(r"^- (\w{1,40}): ([^\n]{1,80})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one turn is about.

    Attributes:
        task: text under `# Task`. role, title: whose turn it is. brief: what the role is told about itself.
        purpose: `frame`, `contribute`, `conclude` or `answer`.
        said: `(role, text)` of every turn before, in order.
        message: `(sender, text)` of a direct message, None in a team's turn.
        team: `{role: title}` as listed under `# Team`.
    """

    task: str
    role: str
    title: str
    brief: str
    purpose: str
    said: tuple[tuple[str, str], ...]
    message: tuple[str, str] | None
    team: dict[str, str]


def read_prompt(messages: Sequence[Message]) -> Asked | None:
    """Return what a turn is about; None for messages that do not end with `# Your role:`."""
    last = next((item for item in reversed(messages) if item.role == "user"), None)
    role = _YOUR_ROLE.match(last.content) if last else None
    if last is None or role is None:
        return None
    turn = _last_match(_YOUR_TURN, last.content)
    system = next((item.content for item in messages if item.role == "system"), "")
    said: list[tuple[str, str]] = []
    message = None
    for item in messages:
        if item is last:
            break
        if found := _SAID.match(item.content):
            said.append((found[1].strip(), item.content[found.end() :]))
        elif found := _MESSAGE_FROM.match(item.content):
            message = (found[1].strip(), item.content[found.end() :])
    name = role[1].strip()
    return Asked(
        task=section(system, "Task", before=("Context", "Team")),
        role=name,
        title=(role[2] or name.replace("_", " ").title()).strip(),
        brief=last.content[role.end() : turn.start() if turn else None].strip(),
        purpose=turn[1].lower() if turn else "answer",
        said=tuple(said),
        message=message,
        team=dict(_ROLE_LINE.findall(section(system, "Team"))[:50]),
    )


def section(text: str, name: str, *, before: Sequence[str] = ()) -> str:
    """Return what stands under the first heading `# name`, up to the last of the headings in `before`.

    The last, because a task may contain lines that look like the headings after it.
    """
    start = _heading(text, name, 0)
    if start < 0:
        return ""
    body = start + len(name) + 3
    ends = [found for other in before if (found := text.rfind(f"\n# {other}\n", body - 1)) >= 0]
    return text[body : min(ends) if ends else None].strip()


def _heading(text: str, name: str, start: int) -> int:
    if text.startswith(f"# {name}\n", start):
        return start
    found = text.find(f"\n# {name}\n", start)
    return found + 1 if found >= 0 else -1


def _last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for found in pattern.finditer(text):  # noqa: B007  # the last one is what is wanted
        pass
    return found

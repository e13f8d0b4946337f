"""Text of users and models made safe to stand inside a prompt.

A prompt's headings ('# Your role: …') say who is meant and what was said by whom. Text that came from outside must not
be able to write such a heading, nor the control words by which a model's template tells its own voice from others.
"""

from __future__ import annotations

import re

_INVISIBLE = (
    r"\s\u00ad\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
)
_HEADING = re.compile(rf"^[{_INVISIBLE}]*[#\uff03\ufe5f]")
"""A line whose first visible sign is a hash, its wide and small forms included."""

_CONTROL_WORD = re.compile(
    r"<(?=[|\uff5c][^\s<>]{1,64}[|\uff5c]>)"  # <|im_start|> and its like
    r"|<(?=<?/?SYS>>)|<(?=(?:start|end)_of_turn>)"
    r"|(?<=\[)(?=/?INST\])"
)
"""Where a control word of a chat template can be broken in two."""


def quoted(text: str) -> str:
    """Return `text` with one kind of line end, headings quoted by '> ', and control words broken by a blank.

    Quoting twice is quoting once. Everything else stays as it is.
    """
    lines = _CONTROL_WORD.sub(r"\g<0> ", text).splitlines()
    return "\n".join(f"> {line}" if _HEADING.match(line) else line for line in lines)


def quoted_line(text: str) -> str:
    """Return `text` as one line, quoted."""
    return quoted(" ".join(text.split()))

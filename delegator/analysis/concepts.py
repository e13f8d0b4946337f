"""Which concepts a word stands for, so that what was learned of one word helps with its neighbours in meaning.

Owns the reading of `data/concepts.txt`: one class a line, `name: word word …`, in dictionary forms. All forms of a
word belong to its class. A word may stand in several.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from delegator.analysis.inflection import forms_of


def concepts_of(word: str) -> tuple[str, ...]:
    """Return the names of the classes of a lower-cased word; none for an unknown one."""
    classes, forms = _tables()
    return classes.get(forms.get(word, word), ())


@cache
def _tables() -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, str]]:
    """Return {word: its classes} and {form: word}."""
    classes: dict[str, tuple[str, ...]] = {}
    for line in files("delegator.analysis").joinpath("data/concepts.txt").read_text(encoding="utf-8").splitlines():
        name, _, words = line.partition(":")
        for word in words.split():
            classes[word] = (*classes.get(word, ()), name.strip())
    return classes, forms_of(classes)

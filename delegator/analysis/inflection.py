"""The forms a word of our tables may take in a text: plurals, tenses, British and American spelling.

Owns small tables of English word formation. It works forward, from the words we know to the forms they may have, and
never cuts an unknown word down: 'string' cannot become 'str', nor 'news' 'new'.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

_VOWELS = frozenset("aeiou")

_UNCHANGING_WORDS = """
a an the to of on in at as by for from with without not no is are be was were it this that who what which why how when
where should would could can cannot shall will must may we our us you i or and down up out over new data news series
software hardware quick slow fast good bad wrong due across every all per q1 q2 q3 q4
"""

UNCHANGING = frozenset(_UNCHANGING_WORDS.split())
"""Words that are taken as they are written."""

IRREGULAR: Mapping[str, str] = {
    "broke": "break",
    "broken": "break",
    "built": "build",
    "rebuilt": "rebuild",
    "bought": "buy",
    "chose": "choose",
    "chosen": "choose",
    "crises": "crisis",
    "criteria": "criterion",
    "cut": "cut",
    "drew": "draw",
    "drawn": "draw",
    "froze": "freeze",
    "frozen": "freeze",
    "grew": "grow",
    "grown": "grow",
    "held": "hold",
    "hid": "hide",
    "hidden": "hide",
    "hung": "hang",
    "hypotheses": "hypothesis",
    "indices": "index",
    "kept": "keep",
    "laid": "lay",
    "led": "lead",
    "lost": "lose",
    "made": "make",
    "men": "man",
    "ran": "run",
    "rewrote": "rewrite",
    "rewritten": "rewrite",
    "sent": "send",
    "shown": "show",
    "sold": "sell",
    "spent": "spend",
    "spoke": "speak",
    "stuck": "stuck",
    "taught": "teach",
    "threw": "throw",
    "thrown": "throw",
    "went": "go",
    "withdrew": "withdraw",
    "women": "woman",
    "wrote": "write",
    "written": "write",
}
"""{form: base}: forms that no ending explains."""

SPELLINGS: tuple[tuple[str, str], ...] = (
    ("ization", "isation"),
    ("ize", "ise"),
    ("yze", "yse"),
    ("color", "colour"),
    ("behavior", "behaviour"),
    ("labor", "labour"),
    ("center", "centre"),
    ("catalog", "catalogue"),
    ("program", "programme"),
    ("license", "licence"),
    ("defense", "defence"),
    ("fulfill", "fulfil"),
    ("enroll", "enrol"),
    ("judgment", "judgement"),
)
"""(American, British) endings; the tables use the first."""


def forms_of(vocabulary: Iterable[str]) -> dict[str, str]:
    """Map every form that a word of the vocabulary may take to that word.

    A word that is in the vocabulary itself is never taken for a form of another one, so that a table can give
    'missing' a meaning of its own beside 'miss'.
    """
    known = set(vocabulary)
    forms: dict[str, str] = {}
    for word in sorted(known):
        for spelling in _spellings(word):
            for form in _inflected(spelling):
                forms.setdefault(form, word)
    forms.update({form: base for form, base in IRREGULAR.items() if base in known})
    forms.update({word: word for word in known})
    return forms


def _spellings(word: str) -> Iterator[str]:
    yield word
    for american, british in SPELLINGS:
        if word.endswith(american):
            yield word.removesuffix(american) + british


def _inflected(word: str) -> Iterator[str]:
    yield word
    if word in UNCHANGING or not word.isascii() or not word.isalpha() or len(word) < 3:
        return
    if word.endswith("y") and word[-2] not in _VOWELS:
        stem = word[:-1]
        yield from (f"{stem}ies", f"{stem}ied", f"{word}ing")
        return
    yield f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"
    if word.endswith("e"):
        yield from (f"{word}d", f"{word[:-1]}ing")
        return
    yield from (f"{word}ed", f"{word}ing")
    if word[-1] not in _VOWELS and word[-1] not in "wxy" and word[-2] in _VOWELS and word[-3:-2] not in _VOWELS:
        yield from (f"{word}{word[-1]}ed", f"{word}{word[-1]}ing")

"""What the learned reading sees of a text: its words, pairs of words, parts of words, concepts, opening and shape.

Owns the cutting of a text into features and nothing of their weight. Training and reading share it, so that both see
the same. Linear in the length of the text: single regular expressions without nested repetition, and a bound on how
many words are looked at.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

from delegator.analysis.concepts import concepts_of

MAX_CHARS = 6_000
"""So much of a text is read: what a task is stands at its beginning, and reading must stay quick."""

MAX_WORD_CHARS = 40
"""A longer run of letters is no word: only its beginning is looked at."""

GRAM_SIZES = (3, 4, 5)
"""Lengths of the parts of words, counted with a mark at either end of the word."""

BLOCKS = ("word", "gram", "concept", "pair", "opening", "shape")
"""The kinds of features. Each is scaled to length 1 by itself, so that none drowns the others in long texts."""

PER_WORD = BLOCKS[:3]
"""Blocks whose features belong to one word each, wherever it stands."""

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[.,]\d+)*|[^\w\s]")
_HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\WA-Za-z]+")


def _words_of(line: str) -> frozenset[str]:
    return frozenset(line.split())


_QUESTION_WORDS = _words_of("how what why where when which who is are does do can could should has any anyone")
_FIRST_PERSON = _words_of("i we my our me us mine ours i'm i've i'd we'd we're we've")
_NEGATIONS = _words_of(
    "not no never cannot without unable wrong wrongly incorrect incorrectly missing fails failed failing broken can't "
    "doesn't don't isn't won't didn't aren't wasn't shouldn't cant doesnt dont"
)
_LEADING_ENDINGS = ("ed", "ing", "s")

_ANY: frozenset[str] = frozenset()

_SHAPES: tuple[tuple[str, frozenset[str], re.Pattern[str]], ...] = (
    ("error", _ANY, re.compile(r"(?i)error|exception|traceback|segfault|panic|stack trace|fatal")),
    ("error code", _ANY, re.compile(r"0x[0-9a-fA-F]{2}|errno|\bE[A-Z]{4}|exit code|code -?\d")),
    ("version", frozenset("."), re.compile(r"\bv?\d{1,9}\.\d")),
    ("code", frozenset("(_:>"), re.compile(r"[a-z_]\(|\w_\w|::|->|=>")),
    ("flag", frozenset("-"), re.compile(r"(?:^|\s)--?[a-z]")),
    ("number sign", frozenset("#"), re.compile(r"#\d")),
    ("tick", frozenset("`"), re.compile(r"`")),
    ("path", frozenset("/"), re.compile(r"\w/\w")),
    ("question mark", frozenset("?"), re.compile(r"\?")),
    ("comma", frozenset(","), re.compile(r",")),
)
"""(name, characters of which every such text has one, what to look for): most texts lack the characters, which is
seen sooner than that the whole pattern is not there. With `_ANY` any text may have it."""

_LENGTHS = (2, 4, 7, 11, 17, 30, 80)


class Features(NamedTuple):
    """What is seen of one text. Keys are 32-bit hashes of the features' names."""

    words: tuple[str, ...]
    """The distinct words and marks, in order of their first place; their keys are those of `keys_of_word`."""
    pairs: tuple[tuple[int, str, str], ...]
    """(key, left, right) of the distinct pairs of neighbours; an end of the text counts as a neighbour."""
    opening: tuple[int, ...]
    shape: tuple[int, ...]
    first_word: str
    """The first word of the text, to which what the opening says is owed; empty without any."""


def features_of(text: str) -> Features:
    """Cut a text into features. Any text is taken; one without words has pairs and shape alone."""
    read = text[:MAX_CHARS]
    tokens, words = _tokens(read)
    bare = read.strip()
    return Features(
        words=tuple(dict.fromkeys(tokens)),
        pairs=tuple(_pairs(tokens)),
        opening=tuple(dict.fromkeys(map(key_of, _opening(words, is_titled=bare[:1].isupper())))),
        shape=tuple(dict.fromkeys(map(_key_of_shape, _shape(bare, words)))),
        first_word=words[0] if words else "",
    )


def text_without(text: str, words: Collection[str]) -> str:
    """Return a text with some of its words blotted out, wherever they stand as words of their own."""
    parts: list[str] = []
    at = 0
    for match in _TOKEN.finditer(text):
        if match.group().lower().replace("’", "'") in words:
            parts.append(text[at : match.start()])
            at = match.end()
    return " ".join((*parts, text[at:]))


_GRAM = crc32(b"g ")
"""The key of what stands before each part of a word; the key of the whole goes on from it."""


def key_of(name: str) -> int:
    """Return the key of a feature's name."""
    return crc32(name.encode("utf-8", "replace"))


_key_of_shape = lru_cache(maxsize=1_000)(key_of)  # there are few shapes, and each text has some


@lru_cache(maxsize=20_000)
def keys_of_word(norm: str) -> tuple[tuple[int, ...], ...]:
    """Return the keys of one word, block by block in the order of `PER_WORD`."""
    if not norm[0].isalpha():
        return (key_of(f"w {norm}"),), (), ()
    return (
        (key_of(f"w {norm}"),),
        tuple([crc32(gram.encode("utf-8", "replace"), _GRAM) for gram in _grams(norm)]),
        tuple(key_of(f"c {concept}") for concept in concepts_of(norm)),
    )


def _tokens(text: str) -> tuple[list[str], list[str]]:
    """Return words, numbers and marks in lower case, numbers all alike; and the words among them."""
    tokens: list[str] = []
    words: list[str] = []
    for piece in _TOKEN.findall(text):
        first = piece[0]
        if first.isdigit():
            tokens.append("0" if piece.isdigit() else "0.0")
        elif not first.isalpha():
            tokens.append(piece)
        elif _is_joined(piece):
            tokens.append("Aa")  # the mark of a name in code, before its parts
            humps = [hump.lower()[:MAX_WORD_CHARS] for hump in _HUMP.findall(piece)]
            tokens += humps
            words += humps
        else:
            word = piece.lower().replace("’", "'")[:MAX_WORD_CHARS]
            tokens.append(word)
            words.append(word)
    return tokens, words


def _is_joined(piece: str) -> bool:
    """True for names such as parseHeader or UserService."""
    return len(piece) > 3 and not piece.isupper() and not piece[1:].islower() and piece.isascii() and "'" not in piece


def _grams(word: str) -> list[str]:
    marked = f"<{word}>"
    return sorted({marked[at : at + size] for size in GRAM_SIZES for at in range(len(marked) - size + 1)})


def _pairs(tokens: Sequence[str]) -> Iterable[tuple[int, str, str]]:
    found: dict[int, tuple[int, str, str]] = {}
    for left, right in pairwise(("^", *tokens, "$")):
        key = key_of(f"p {left} {right}")
        if key not in found:
            found[key] = (key, left, right)
    return found.values()


def _opening(words: Sequence[str], *, is_titled: bool) -> Iterator[str]:
    """Yield what the first words say; whoever writes for others begins with a capital, whoever notes does not."""
    if not words:
        return
    yield f"o {words[0]}"
    yield f"last {words[-1]}"
    if len(words) > 1:
        yield f"o {words[0]} {words[1]}"
        if is_titled:
            yield f"O {words[0]} {words[1]}"
    for concept in concepts_of(words[0]):
        yield f"oc {concept}"
    for ending in _LEADING_ENDINGS:
        if len(words[0]) > len(ending) + 1 and words[0].endswith(ending):
            yield f"o -{ending}"


def _shape(text: str, words: Sequence[str]) -> Iterator[str]:
    yield f"s length {bisect_left(_LENGTHS, len(words))}"
    characters = set(text)
    for name, signs, pattern in _SHAPES:
        if not (signs and signs.isdisjoint(characters)) and pattern.search(text):
            yield f"s {name}"
    if text:
        yield "s capital" if text[0].isupper() else "s small" if text[0].islower() else f"s starts {text[0]}"
        if not text[-1].isalnum():
            yield f"s ends {text[-1]}"
    if words and words[0] in _QUESTION_WORDS:
        yield "s asks first"
    if not _QUESTION_WORDS.isdisjoint(words[:3]):
        yield "s asks early"
    if not _FIRST_PERSON.isdisjoint(words):
        yield "s first person"
    if not _NEGATIONS.isdisjoint(words):
        yield "s negation"

"""What the learned reading sees of a text: its words, pairs of words, parts of words, concepts, opening and shape.

Owns the cutting of a text into features and nothing of their weight. Training and reading share it, so that both see
the same. Linear in the length of the text: single regular expressions without nested repetition, and a bound on how
many words are looked at.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

from delegator.analysis.concepts import concepts_of
from delegator.analysis.tokens import Tokens, tokens_of

GRAM_SIZES = (3, 4, 5)
"""Lengths of the parts of words, counted with a mark at either end of the word."""

BLOCKS = ("word", "gram", "concept", "pair", "opening", "shape")
"""The kinds of features. Each is scaled to length 1 by itself, so that none drowns the others in long texts."""

PER_WORD = BLOCKS[:3]
"""Blocks whose features belong to one word each, wherever it stands."""


def _words_of(line: str) -> frozenset[str]:
    return frozenset(line.split())


_QUESTION_WORDS = _words_of("how what why where when which who is are does do can could should has any anyone")
_FIRST_PERSON = _words_of("i we my our me us mine ours i'm i've i'd we'd we're we've")
_NEGATIONS = _words_of(
    "not no never cannot without unable wrong wrongly incorrect incorrectly missing fails failed failing broken can't "
    "doesn't don't isn't won't didn't aren't wasn't shouldn't cant doesnt dont"
)
_LEADING_ENDINGS = ("ed", "ing", "s")

_ERRORS = ("error", "exception", "traceback", "segfault", "panic", "stack trace", "fatal")
_ERROR = re.compile(f"(?i){'|'.join(_ERRORS)}")

_SHAPES: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (
    (
        "error code",
        ("0x", "errno", "E", "exit code", "code "),
        re.compile(r"0x[0-9a-fA-F]{2}|errno|\bE[A-Z]{4}|exit code|code -?\d"),
    ),
    ("version", (".",), re.compile(r"\bv?\d{1,9}\.\d")),
    ("code", ("(", "_", ":", ">"), re.compile(r"[a-z_]\(|\w_\w|::|->|=>")),
    ("flag", ("-",), re.compile(r"(?:^|\s)--?[a-z]")),
    ("number sign", ("#",), re.compile(r"#\d")),
    ("tick", ("`",), re.compile(r"`")),
    ("path", ("/",), re.compile(r"\w/\w")),
    ("question mark", ("?",), re.compile(r"\?")),
    ("comma", (",",), re.compile(r",")),
)
"""(name, what every such text has one of, what to look for): most texts have none, which is seen sooner than that the
whole pattern is not there."""

_LENGTHS = (2, 4, 7, 11, 17, 30, 80)


class Features(NamedTuple):
    """What is seen of one text. Keys are 32-bit hashes of the features' names."""

    words: tuple[str, ...]
    """The distinct words and marks, in order of their first place; their keys are those of `keys_of_word`."""
    pairs: Mapping[int, tuple[str, str]]
    """{key: (left, right)} of the distinct pairs of neighbours; an end of the text counts as a neighbour."""
    opening: tuple[int, ...]
    shape: tuple[int, ...]
    first_word: str
    """The first word of the text, to which what the opening says is owed; empty without any."""


def features_of(text: str) -> Features:
    """Cut a text into features. Any text is taken; one without words has pairs and shape alone."""
    return features_in(tokens_of(text))


def features_in(tokens: Tokens) -> Features:
    """Return the features of a text that is cut already."""
    read, every, words = tokens
    bare = read.strip()
    return Features(
        words=tuple(dict.fromkeys(every)),
        pairs=_pairs(every),
        opening=tuple(dict.fromkeys(map(key_of, _opening(words, is_titled=bare[:1].isupper())))),
        shape=tuple(dict.fromkeys(map(_key_of_shape, _shape(bare, words)))),
        first_word=words[0] if words else "",
    )


_GRAM = crc32(b"g ")
"""The key of what stands before each part of a word; the key of the whole goes on from it."""


def key_of(name: str) -> int:
    """Return the key of a feature's name."""
    return crc32(name.encode("utf-8", "replace"))


def _encoded(names: Sequence[str]) -> list[bytes]:
    """Return names that are all of one line as bytes: together, which is sooner done than one by one."""
    return "\n".join(names).encode("utf-8", "replace").split(b"\n")


_key_of_shape = lru_cache(maxsize=1_000)(key_of)  # there are few shapes, and each text has some


@lru_cache(maxsize=20_000)
def keys_of_word(norm: str) -> tuple[tuple[int, ...], ...]:
    """Return the keys of one word, block by block in the order of `PER_WORD`."""
    if not norm[0].isalpha():
        return (key_of(f"w {norm}"),), (), ()
    return (
        (key_of(f"w {norm}"),),
        tuple([crc32(gram, _GRAM) for gram in _grams(norm)]),
        tuple(key_of(f"c {concept}") for concept in concepts_of(norm)),
    )


def _grams(word: str) -> list[bytes]:
    marked = f"<{word}>"
    return _encoded(sorted({marked[at : at + size] for size in GRAM_SIZES for at in range(len(marked) - size + 1)}))


def _pairs(tokens: Sequence[str]) -> dict[int, tuple[str, str]]:
    pairs = dict.fromkeys(pairwise(("^", *tokens, "$")))
    keys = map(crc32, _encoded([f"p {left} {right}" for left, right in pairs]))
    return dict(zip(keys, pairs, strict=True))


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
    if _tells_of_error(text):
        yield "s error"
    for name, signs, pattern in _SHAPES:
        if _has_any(text, signs) and pattern.search(text):
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


def _tells_of_error(text: str) -> bool:
    # Letters beyond ASCII may match others in more ways than by their small form: ſ is an s.
    return _has_any(text.lower(), _ERRORS) if text.isascii() else _ERROR.search(text) is not None


def _has_any(text: str, parts: Sequence[str]) -> bool:
    for part in parts:  # noqa: SIM110 (half the time of any() with a generator)
        if part in text:
            return True
    return False

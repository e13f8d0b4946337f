"""Finding and reading the files of a catalogue: TOML and Markdown, bounded, inside their folder.

Owns everything that touches the disk for roles. What the text must say is `validation.py`.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delegator.errors import CatalogueInvalid

SHIPPED = ("echo", "compact", "single")
"""Catalogues that come with the package; the first is the default."""

FILE_NAME = "catalogue.toml"

MAX_CATALOGUE_BYTES = 262_144
"""Largest catalogue file: a thousand roles with inline briefs would still fit."""

MAX_BRIEF_BYTES = 8_192
"""Largest brief: about 2,000 tokens, a quarter of a window of 8,192."""

_HERE = Path(__file__).parent
_CATALOGUES = _HERE / "catalogues"
_BRIEFS = _HERE / "briefs"


@dataclass(frozen=True, slots=True)
class CatalogueSource:
    """A catalogue file that was found and parsed, not yet validated."""

    name: str
    file: str
    """The file as the user named it; every error shows it so."""
    folder: Path
    """Where its brief files are looked up."""
    values: dict[str, Any]


def find_catalogue(name_or_path: str) -> CatalogueSource:
    """Locate and parse a catalogue by shipped name or by path.

    Raises:
        CatalogueInvalid: not there, not readable, too large, not UTF-8, or not TOML (with the line).
    """
    if name_or_path in SHIPPED:
        path = _CATALOGUES / name_or_path / FILE_NAME
        shown = f"{name_or_path}/{FILE_NAME}"
        name = name_or_path
    else:
        path, shown = _user_path(name_or_path)
        name = (path.parent.name if path.name == FILE_NAME else path.stem) or "catalogue"
    values = _parse(_read(path, shown, "", MAX_CATALOGUE_BYTES), shown)
    return CatalogueSource(name, shown, path.parent, values)


def absolute_catalogue(name_or_path: str) -> str:
    """Make the path of a catalogue hold in any working folder: actors work in another one. Shipped names stay."""
    if name_or_path in SHIPPED:
        return name_or_path
    path = Path(name_or_path).expanduser()
    return str(path.absolute()) if path.exists() else name_or_path


def read_brief(source: CatalogueSource, *, role: str, brief: str | None) -> str:
    """Return the brief of a role as text.

    `brief` is the text itself, or the name of a Markdown file relative to the catalogue's folder. None takes
    `briefs/<role>.md` beside the catalogue, or else the shipped brief of that role.

    Raises:
        CatalogueInvalid: no such file, outside the folder, too large, not UTF-8, or empty.
    """
    key = f"roles.{role}.brief"
    if brief is None:
        text = _read_default_brief(source, role, key)
    elif _names_a_file(brief):
        text = _read_brief_file(source, brief, key)
    else:
        text = brief
    if not text.strip():
        raise CatalogueInvalid(source.file, key, "is empty; say what the role is responsible for and what it decides")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BRIEF_BYTES:
        raise CatalogueInvalid(source.file, key, f"is longer than {MAX_BRIEF_BYTES} bytes")
    return text.strip()


def _user_path(given: str) -> tuple[Path, str]:
    if not given.strip() or "\x00" in given:
        raise CatalogueInvalid(given, "", f"is no path; name a TOML file, a folder, or one of: {', '.join(SHIPPED)}")
    path = Path(given).expanduser()
    try:
        if path.is_dir():
            return path.resolve() / FILE_NAME, os.path.join(given, FILE_NAME)  # noqa: PTH118 - keeps "./" as it was given
        if path.exists():
            return path.resolve(), given
    except OSError as exc:
        raise CatalogueInvalid(given, "", f"cannot be read: {exc.strerror or exc}") from exc
    near = difflib.get_close_matches(given, SHIPPED, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise CatalogueInvalid(given, "", f"does not exist{hint}")


def _names_a_file(brief: str) -> bool:
    return brief.strip().endswith(".md") and "\n" not in brief.strip()


def _read_default_brief(source: CatalogueSource, role: str, key: str) -> str:
    beside = f"briefs/{role}.md"
    if (source.folder / beside).exists():
        return _read_brief_file(source, beside, key)
    shipped = _BRIEFS / f"{role}.md"
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    raise CatalogueInvalid(source.file, key, f"is missing; write the text, name a Markdown file, or add {beside}")


def _read_brief_file(source: CatalogueSource, name: str, key: str) -> str:
    folder = source.folder.resolve()
    try:
        path = (folder / name.strip()).resolve()
    except (OSError, ValueError, RuntimeError) as exc:
        raise CatalogueInvalid(source.file, key, f"cannot follow '{name}': {exc}") from exc
    # After resolving, so that neither `..` nor a link leads out and into a prompt.
    if not path.is_relative_to(folder):
        raise CatalogueInvalid(source.file, key, f"'{name}' lies outside the folder of the catalogue")
    return _read(path, source.file, key, MAX_BRIEF_BYTES, label=f"'{name}' ")


def _read(path: Path, file: str, key: str, max_bytes: int, *, label: str = "") -> str:
    try:
        if path.exists() and not path.is_file():
            raise CatalogueInvalid(file, key, f"{label}is not a file")
        with path.open("rb") as stream:
            content = stream.read(max_bytes + 1)
    except FileNotFoundError as exc:
        raise CatalogueInvalid(file, key, f"{label}does not exist") from exc
    except (OSError, ValueError) as exc:
        problem = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise CatalogueInvalid(file, key, f"{label}cannot be read: {problem}") from exc
    if len(content) > max_bytes:
        raise CatalogueInvalid(file, key, f"{label}is larger than {max_bytes} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise CatalogueInvalid(file, key, f"{label}is not UTF-8 text (line {line})") from exc


def _parse(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as exc:
        raise CatalogueInvalid(file, "", "is nested too deeply") from exc
    except ValueError as exc:  # TOMLDecodeError, and what Python's own number parsing refuses
        raise CatalogueInvalid(file, "", f"is not valid TOML: {exc}") from exc

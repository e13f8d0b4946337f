"""The models on disk: the GGUF files of one folder, and what their heads say (items 3, 4).

A file `tiny.gguf` is the model `tiny:latest`. Files may come and go while the host runs; it writes none itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gguf

from delegator.ollama.names import normalise

COMPLETION = "completion"
EMBEDDING = "embedding"
TOOLS = "tools"

_LONG = 5
"""Lists longer than this are told as empty (item 4)."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model on disk.

    Attributes:
        name: normalised name.
        info: the head of the file as `/api/show` tells it, `{key: value}`.
        parameters: number of weights.
        template: how a conversation is written for it; empty where the file has none.
    """

    name: str
    path: Path
    size_bytes: int
    digest: str
    modified_at: datetime
    info: dict[str, Any]
    parameters: int
    template: str

    @property
    def family(self) -> str:
        return str(self.info["general.architecture"])

    @property
    def train_ctx(self) -> int:
        return int(self.info[f"{self.family}.context_length"])

    @property
    def embeds(self) -> bool:
        """A model that says how it pools makes vectors, no text; so does Ollama tell them apart."""
        return f"{self.family}.pooling_type" in self.info

    @property
    def capabilities(self) -> tuple[str, ...]:
        if self.embeds:
            return (EMBEDDING,)
        return (COMPLETION, TOOLS) if "tools" in self.template else (COMPLETION,)


class Library:
    """What is installed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[tuple[Path, int, int], ModelFile | None] = {}

    def get(self, name: str) -> ModelFile | None:
        """Return the installed model of this name, however it is written (item 3)."""
        wanted = normalise(name)
        return next((model for model in self.all() if model.name == wanted), None)

    def all(self) -> list[ModelFile]:
        """Return all installed models, newest first; files that are no GGUF are left out."""
        found = [model for path in self._folder.glob("*.gguf") if (model := self._model(path)) is not None]
        return sorted(found, key=lambda model: model.modified_at, reverse=True)

    def _model(self, path: Path) -> ModelFile | None:
        """Read a file's head, once for as long as the file stays the same."""
        stat = path.stat()
        known = (path, stat.st_size, stat.st_mtime_ns)
        if known not in self._read:
            try:
                self._read[known] = read_model(path)
            except (ValueError, KeyError, IndexError):
                self._read[known] = None
        return self._read[known]


def read_model(path: Path) -> ModelFile:
    """Read the head of a GGUF file.

    Raises:
        ValueError, KeyError, IndexError: it is no such file, or lacks what every model tells.
    """
    reader = gguf.GGUFReader(path)
    fields = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    stat = path.stat()
    model = ModelFile(
        name=normalise(path.stem),
        path=path,
        size_bytes=stat.st_size,
        digest=digest,
        modified_at=datetime.fromtimestamp(stat.st_mtime, UTC).astimezone(),
        info={key: [] if isinstance(value, list) and len(value) > _LONG else value for key, value in fields.items()},
        parameters=sum(int(tensor.n_elements) for tensor in reader.tensors),
        template=str(fields.get("tokenizer.chat_template", "")),
    )
    _ = model.train_ctx  # a head without it is refused here and not when somebody loads the model
    return model

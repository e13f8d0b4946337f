"""What makes a catalogue valid: the shape of its TOML, and what its parts must say of each other.

Owns every rule and every reason given for a refusal; reads files only through `files.py`. Strict on purpose: a
misspelt key or a model nobody declared is refused here, because later it would surface as a session that hangs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from delegator.errors import CatalogueInvalid
from delegator.roles.catalogue import Catalogue, Model, Role
from delegator.roles.files import CatalogueSource, read_brief
from delegator.roles.rank import in_order_of_rank

_BYTES_PER_GB = 1_000_000_000
_MAX_ROLES = 100
"""Far beyond any team; keeps the list of roles readable and a prompt small."""


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    return text


RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:-]{0,199}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True), AfterValidator(_one_line)]
Keyword = Annotated[Line, StringConstraints(max_length=60)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _ModelEntry(_Strict):
    num_ctx: int = Field(8192, ge=512, le=1_048_576)
    memory_gb: float = Field(gt=0, le=10_000, allow_inf_nan=False)
    gpu: float = Field(0.0, ge=0, le=1024, allow_inf_nan=False)
    fallbacks: list[ModelName] = Field(default_factory=list, max_length=8)
    smaller: list[ModelName] = Field(default_factory=list, max_length=8)


class _RoleEntry(_Strict):
    title: Line
    summary: Line
    reports_to: RoleName | None = None
    model: ModelName
    cpu: float = Field(1.0, ge=0, le=1024, allow_inf_nan=False)
    keywords: list[Keyword] = Field(default_factory=list, max_length=100)
    brief: str | None = None


class _CatalogueFile(_Strict):
    models: dict[ModelName, _ModelEntry] = Field(min_length=1)
    roles: dict[RoleName, _RoleEntry] = Field(min_length=1, max_length=_MAX_ROLES)


_PROBLEMS = {
    "missing": "is missing",
    "string_too_short": "is empty",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "extra_forbidden": "is not a key of a catalogue",
    "too_short": "is empty; at least one is needed",
    "too_long": "has too many entries",
    "string_type": "must be text in quotes",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
}
"""Problem by pydantic's error type, where its own wording would puzzle somebody who wrote TOML."""

_PATTERNS = {
    RoleName.__metadata__[0].pattern: "must be lower case letters, digits and _, beginning with a letter, at most 64",  # type: ignore[attr-defined]  # an Annotated alias carries it
    ModelName.__metadata__[0].pattern: "must be a model name such as qwen3:8b",  # type: ignore[attr-defined]  # likewise
}


def build_catalogue(source: CatalogueSource) -> Catalogue:
    """Check the parsed values of a catalogue file, read its briefs, and put its roles in order of rank.

    Raises:
        CatalogueInvalid: with the file, the key and the reason of the first thing found wrong.
    """
    try:
        entries = _CatalogueFile.model_validate(source.values)
    except ValidationError as exc:
        raise _explained(source.file, exc) from exc
    _check_models(source.file, entries.models)
    _check_roles(source.file, entries)
    models = {name: _model(name, entry) for name, entry in entries.models.items()}
    reports_to = {name: entry.reports_to for name, entry in entries.roles.items()}
    roles = [
        _role(name, entries.roles[name], models, rank=rank, source=source)
        for rank, name in enumerate(in_order_of_rank(reports_to))
    ]
    return Catalogue(source.name, roles, models.values())


def _check_models(file: str, models: Mapping[str, _ModelEntry]) -> None:
    seen: dict[str, str] = {}
    for name, entry in models.items():
        same = seen.setdefault(_identity(name), name)
        if same != name:
            raise CatalogueInvalid(file, f'models."{name}"', f'is the same model as "{same}"; declare it once')
        _check_alternatives(file, name, f'models."{name}".fallbacks', entry.fallbacks, models)
        _check_alternatives(file, name, f'models."{name}".smaller', entry.smaller, models)
        for other in entry.smaller:
            if models[other].memory_gb >= entry.memory_gb:
                raise CatalogueInvalid(file, f'models."{name}".smaller', f"'{other}' is not smaller")


def _check_alternatives(
    file: str, model: str, key: str, alternatives: list[str], models: Mapping[str, _ModelEntry]
) -> None:
    for alternative in alternatives:
        if alternative == model:
            raise CatalogueInvalid(file, key, "names the model itself")
        _must_exist(file, key, "model", alternative, models)
    _must_be_distinct(file, key, alternatives)


def _check_roles(file: str, entries: _CatalogueFile) -> None:
    titles: dict[str, str] = {}
    for name, entry in entries.roles.items():
        _must_exist(file, f"roles.{name}.model", "model", entry.model, entries.models)
        if entry.reports_to is not None:
            _must_exist(file, f"roles.{name}.reports_to", "role", entry.reports_to, entries.roles)
        same = titles.setdefault(entry.title.casefold(), name)
        if same != name:
            raise CatalogueInvalid(file, f"roles.{name}.title", f"is the title of {same} too; they must differ")
        _must_be_distinct(file, f"roles.{name}.keywords", [word.casefold() for word in entry.keywords])
    _check_hierarchy(file, {name: entry.reports_to for name, entry in entries.roles.items()})


def _check_hierarchy(file: str, reports_to: Mapping[str, str | None]) -> None:
    for name in reports_to:
        path = [name]
        superior = reports_to[name]
        while superior is not None:
            if superior in path:
                circle = " -> ".join([*path[path.index(superior) :], superior])
                raise CatalogueInvalid(file, f"roles.{name}.reports_to", f"goes in a circle: {circle}")
            path.append(superior)
            superior = reports_to[superior]


def _must_exist(file: str, key: str, what: str, name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"declare [{what}s.{_quoted(name)}] or choose one that is there"
    raise CatalogueInvalid(file, key, f"there is no {what} '{name}' in this file; {hint}")


def _must_be_distinct(file: str, key: str, names: list[str]) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise CatalogueInvalid(file, key, f"names '{name}' twice")


def _identity(model: str) -> str:
    """Two spellings that Ollama takes for one model: case does not count, and no tag means `latest`."""
    lowered = model.lower()
    return lowered if ":" in lowered.rsplit("/", 1)[-1] else f"{lowered}:latest"


def _explained(file: str, error: ValidationError) -> CatalogueInvalid:
    # A misspelt key goes first: it often explains what else is missing.
    errors = error.errors(include_url=False)
    found = next((item for item in errors if item["type"] == "extra_forbidden"), errors[0])
    names = [str(part) for part in found["loc"] if part != "[key]"]
    kind, pattern = found["type"], found.get("ctx", {}).get("pattern", "")
    told = found["msg"].removeprefix("Value error, ").removeprefix("Input ")
    reason = _PROBLEMS.get(kind) or _PATTERNS.get(pattern) or told[:1].lower() + told[1:]
    if kind == "extra_forbidden":
        reason += _near_key(names)
    return CatalogueInvalid(file, ".".join(_quoted(name) for name in names), reason)


def _near_key(names: list[str]) -> str:
    entry: type[BaseModel] = _CatalogueFile
    if len(names) > 1:
        entry = _ModelEntry if names[0] == "models" else _RoleEntry
    near = difflib.get_close_matches(names[-1], entry.model_fields, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(entry.model_fields)}"


def _quoted(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else f'"{name}"'


def _model(name: str, entry: _ModelEntry) -> Model:
    memory_bytes = max(1, round(entry.memory_gb * _BYTES_PER_GB))
    return Model(name, entry.num_ctx, memory_bytes, tuple(entry.fallbacks), entry.gpu, tuple(entry.smaller))


def _role(name: str, entry: _RoleEntry, models: Mapping[str, Model], *, rank: int, source: CatalogueSource) -> Role:
    model = models[entry.model]
    return Role(
        name=name,
        title=entry.title,
        summary=entry.summary,
        brief=read_brief(source, role=name, brief=entry.brief),
        reports_to=entry.reports_to,
        model=model.name,
        num_ctx=model.num_ctx,
        memory_bytes=model.memory_bytes,
        cpu=entry.cpu,
        gpu=model.gpu,
        fallbacks=model.fallbacks,
        keywords=tuple(entry.keywords),
        rank=rank,
    )

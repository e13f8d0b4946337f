"""What `delegator doctor` says about Ollama: whether it answers, and which models of the catalogue it can run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

from actors.model_host import DEAD_ARCHITECTURES
from delegator.errors import DelegatorError
from delegator.ollama.client import OllamaClient, normalise
from delegator.roles import Catalogue, load_catalogue
from delegator.settings import Settings

Finding = tuple[Literal["ok", "warn", "fail"], str, str]
"""State, what was found, what would help."""

ASK_S = 5.0


def check_ollama(settings: Settings) -> Iterable[Finding]:
    """Look for an Ollama and for the catalogue's models on it."""
    if settings.models == "simulated":
        return [("ok", "simulated, as asked for", "")]
    try:
        catalogue = load_catalogue(settings.catalogue)
    except DelegatorError:  # told by the check of the catalogue
        return []
    try:
        return asyncio.run(_look(settings.ollama_url, catalogue))
    except DelegatorError as exc:
        if settings.models == "ollama":
            return [("fail", exc.message, exc.advice)]
        advice = "Delegator will run on simulated models. For real ones: ollama serve"
        return [("warn", exc.message, advice)]


async def _look(url: str, catalogue: Catalogue) -> list[Finding]:
    async with OllamaClient(url, connect_s=ASK_S, request_s=ASK_S) as client:
        version = await client.version()
        installed = {normalise(model.name) for model in await client.tags()}
        dead = {
            name for name in catalogue.models if normalise(name) in installed and await _is_dead(client, name, version)
        }
    usable = {name for name in catalogue.models if normalise(name) in installed} - dead
    findings: list[Finding] = [("ok", f"Ollama {version} at {url}, {len(installed)} models on its disk", "")]
    return findings + [_of_model(name, catalogue, usable, dead) for name in _first_choices(catalogue)]


def _first_choices(catalogue: Catalogue) -> list[str]:
    return list(dict.fromkeys(role.model for role in catalogue.roles.values()))


def _of_model(name: str, catalogue: Catalogue, usable: set[str], dead: set[str]) -> Finding:
    roles = ", ".join(role.name for role in catalogue.roles.values() if role.model == name)
    if name in usable:
        return "ok", f"{name} ({roles}) is installed", ""
    problem = "cannot be loaded by this Ollama" if name in dead else "is not installed"
    fallbacks = catalogue.models[name].fallbacks
    stand_in = next((fallback for fallback in fallbacks if fallback in usable), None)
    if stand_in is not None:
        return "warn", f"{name} ({roles}) {problem}; {stand_in} takes its place", ""
    wanted = fallbacks[0] if name in dead and fallbacks else name
    return "fail", f"{name} ({roles}) {problem}", f"ollama pull {wanted}"


async def _is_dead(client: OllamaClient, name: str, version: str) -> bool:
    since = DEAD_ARCHITECTURES.get((await client.show(name)).architecture)
    return since is not None and _numbers(version) >= since


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-", maxsplit=1)[0].split(".")[:2] if part.isdigit()) or (0,)

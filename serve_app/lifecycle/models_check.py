"""What `delegator doctor` says about Ollama: whether it answers, and which models of the catalogue it can run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

from actors.shelf import Shelf
from delegator.errors import DelegatorError
from delegator.ollama.client import OllamaClient
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
        shelf = Shelf(client)
        await shelf.look_up(catalogue.models)
    findings: list[Finding] = [("ok", f"Ollama {shelf.version} at {url}, {len(shelf)} models on its disk", "")]
    return findings + [_of_model(name, catalogue, shelf) for name in _first_choices(catalogue)]


def _first_choices(catalogue: Catalogue) -> list[str]:
    return list(dict.fromkeys(role.model for role in catalogue.roles.values()))


def _of_model(name: str, catalogue: Catalogue, shelf: Shelf) -> Finding:
    roles = ", ".join(role.name for role in catalogue.roles.values() if role.model == name)
    problem = shelf.why_not(name)
    if problem is None:
        return "ok", f"{name} ({roles}) is installed", ""
    fallbacks = catalogue.models[name].fallbacks
    stand_in = next((fallback for fallback in fallbacks if shelf.why_not(fallback) is None), None)
    if stand_in is not None:
        return "warn", f"{name} ({roles}) {problem}; {stand_in} takes its place", ""
    wanted = fallbacks[0] if shelf.has(name) and fallbacks else name
    return "fail", f"{name} ({roles}) {problem}", f"ollama pull {wanted}"

"""What `delegator doctor` says about Ollama: whether it answers, and which models of the catalogue it can run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from actors.shelf import Shelf
from delegator.endpoints import endpoints_of
from delegator.errors import DelegatorError
from delegator.ollama.client import OllamaClient
from delegator.roles import Catalogue, load_catalogue
from delegator.settings import Settings

Finding = tuple[Literal["ok", "warn", "fail"], str, str]
"""State, what was found, what would help."""

ASK_S = 5.0


def check_ollama(settings: Settings) -> Iterable[Finding]:
    """Look for an Ollama at every endpoint, those that answer first, and for the catalogue's models on them."""
    if settings.models == "simulated":
        count = settings.simulated_endpoints
        return [("ok", "simulated, as asked for" + (f": {count} hosts" if count > 1 else ""), "")]
    try:
        catalogue = load_catalogue(settings.catalogue)
    except DelegatorError:  # told by the check of the catalogue
        return []
    urls = [endpoint.url for endpoint in endpoints_of(settings)]
    seen = dict(zip(urls, asyncio.run(_look_everywhere(urls, catalogue)), strict=True))
    shelves = {url: shelf for url, shelf in seen.items() if isinstance(shelf, Shelf)}
    problems = [problem for problem in seen.values() if isinstance(problem, DelegatorError)]
    if not shelves:
        return [_nobody_answers(problem, wanted=settings.models == "ollama") for problem in problems]
    found: list[Finding] = [
        ("ok", f"Ollama {shelf.version} at {url}, {len(shelf)} models on its disk", "")
        for url, shelf in shelves.items()
    ]
    advice = "Start it (ollama serve), or take its address out of ollama_url; the others are used meanwhile."
    found += [("warn", problem.message, advice) for problem in problems]
    return found + [_of_model(name, catalogue, shelves) for name in _first_choices(catalogue)]


def _nobody_answers(problem: DelegatorError, *, wanted: bool) -> Finding:
    if wanted:
        return "fail", problem.message, problem.advice
    return "warn", problem.message, "Delegator will run on simulated models. For real ones: ollama serve"


async def _look_everywhere(urls: Sequence[str], catalogue: Catalogue) -> list[Shelf | DelegatorError]:
    return list(await asyncio.gather(*(_look(url, catalogue) for url in urls)))


async def _look(url: str, catalogue: Catalogue) -> Shelf | DelegatorError:
    try:
        async with OllamaClient(url, connect_s=ASK_S, request_s=ASK_S) as client:
            shelf = Shelf(client)
            await shelf.look_up(catalogue.models)
    except DelegatorError as exc:
        return exc
    return shelf


def _first_choices(catalogue: Catalogue) -> list[str]:
    return list(dict.fromkeys(role.model for role in catalogue.roles.values()))


def _of_model(name: str, catalogue: Catalogue, shelves: Mapping[str, Shelf]) -> Finding:
    """Return what is found of one model: one endpoint that has it is enough, and where it is not is told."""
    roles = ", ".join(role.name for role in catalogue.roles.values() if role.model == name)
    problems = {url: problem for url, shelf in shelves.items() if (problem := shelf.why_not(name)) is not None}
    if len(problems) < len(shelves):
        missing = f", but not at {', '.join(problems)}" if problems else ""
        return "ok", f"{name} ({roles}) is installed{missing}", ""
    problem = next(iter(problems.values()))
    fallbacks = catalogue.models[name].fallbacks
    usable = (f for f in fallbacks if any(shelf.why_not(f) is None for shelf in shelves.values()))
    stand_in = next(usable, None)
    if stand_in is not None:
        return "warn", f"{name} ({roles}) {problem}; {stand_in} takes its place", ""
    wanted = fallbacks[0] if fallbacks and any(shelf.has(name) for shelf in shelves.values()) else name
    return "fail", f"{name} ({roles}) {problem}", f"ollama pull {wanted}"

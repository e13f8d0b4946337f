"""One analyzer for the echo catalogue, and catalogues made of a few roles."""

from collections.abc import Callable, Mapping

import pytest

from delegator.analysis import Analyzer
from delegator.roles import load_catalogue
from delegator.roles.catalogue import Catalogue, Model, Role
from delegator.roles.rank import in_order_of_rank
from delegator.schemas import AnalyzeTaskRequest, TaskAnalysis
from delegator.settings import ComplexityLimits

Analyse = Callable[..., TaskAnalysis]


@pytest.fixture(scope="session")
def echo() -> Catalogue:
    return load_catalogue("echo")


@pytest.fixture(scope="session")
def echo_analyzer(echo: Catalogue) -> Analyzer:
    return Analyzer(echo, ComplexityLimits())


@pytest.fixture(scope="session")
def analyse(echo_analyzer: Analyzer) -> Analyse:
    """Analyse a text with the echo catalogue and the default limits."""

    def run(text: str, **fields: object) -> TaskAnalysis:
        return echo_analyzer.analyze(AnalyzeTaskRequest.model_validate({"task_description": text, **fields}))

    return run


@pytest.fixture(scope="session")
def catalogue_of() -> Callable[[Mapping[str, tuple[str, ...]]], Catalogue]:
    """Make a catalogue on one small model from {role: keywords}."""

    def make(roles: Mapping[str, tuple[str, ...]]) -> Catalogue:
        model = Model("small:1b", 4096, 1_000_000_000, (), 0.0)
        order = in_order_of_rank(dict.fromkeys(roles))
        return Catalogue(
            "few",
            [
                Role(
                    name, name, "", "brief", None, model.name, 4096, model.memory_bytes, 1.0, 0.0, (), roles[name], rank
                )
                for rank, name in enumerate(order)
            ],
            [model],
        )

    return make

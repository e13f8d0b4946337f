"""Fitting a catalogue to a machine: never more than it holds, never less than it could, and a suggestion that helps."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.analysis.category import TEAM_OF_CATEGORY
from delegator.residency.fit import (
    CatalogueFit,
    Knowledge,
    Machine,
    RoleFit,
    Verdict,
    fit_catalogue,
    largest_together,
    suggest,
)
from delegator.roles.catalogue import Catalogue, Model, Role, load_catalogue

GB = 1_000_000_000
ECHO, COMPACT, SINGLE = (load_catalogue(name) for name in ("echo", "compact", "single"))
SHIPPED = (ECHO, COMPACT, SINGLE)
TEAMS = tuple(TEAM_OF_CATEGORY.values())


def catalogue(sizes: dict[str, int], roles: list[tuple[str, ...]], **smaller: str) -> Catalogue:
    """Return a catalogue of models by GB, with one role for each tuple of a model and its fallbacks."""
    models = [
        Model(name, 8192, size * GB, (), 0, smaller=(smaller[name],) if name in smaller else ())
        for name, size in sizes.items()
    ]
    made = [
        Role(f"r{rank}", "", "", "", None, names[0], 8192, sizes[names[0]] * GB, 1, 0, names[1:], (), rank)
        for rank, names in enumerate(roles)
    ]
    return Catalogue("made", made, models)


def verdicts(fit: CatalogueFit) -> dict[str, Verdict]:
    return {role.role: role.verdict for role in fit.roles}


def test_every_role_fits_a_machine_that_holds_all_models():
    fit = fit_catalogue(COMPACT, Machine(64 * GB), teams=TEAMS)

    assert set(verdicts(fit).values()) == {"fits"}
    assert set(fit.together) == set(COMPACT.roles)
    assert fit.together_bytes == fit.all_bytes == COMPACT.baseline_bytes
    assert (fit.teams_together, fit.teams) == (7, 7)


def test_what_fits_only_alone_takes_turns():
    made = catalogue({"a": 4, "b": 5, "c": 9}, [("a",), ("b",), ("c",)])

    fit = fit_catalogue(made, Machine(10 * GB), teams=[["r0", "r1"], ["r1", "r2"], ["nobody"]])

    assert verdicts(fit) == {"r0": "fits", "r1": "fits", "r2": "alone"}
    assert (fit.together, fit.together_bytes) == (("r0", "r1"), 9 * GB)
    assert (fit.teams_together, fit.teams) == (1, 2)


def test_a_role_too_large_for_the_machine_uses_a_smaller_model_then_a_fallback():
    made = catalogue({"big": 20, "less": 6, "plain": 3}, [("big", "plain")], big="less")

    (role,) = fit_catalogue(made, Machine(10 * GB)).roles
    (tighter,) = fit_catalogue(made, Machine(4 * GB)).roles

    why = "big needs 20.0 GB, and 10.0 GB are there for one model"
    assert role == RoleFit("r0", "big", "less", 6 * GB, "fallback", why)
    assert tighter.uses == "plain"


def test_a_role_whose_model_cannot_be_loaded_uses_its_fallback_first():
    made = catalogue({"dead": 9, "less": 2, "alike": 8}, [("dead", "alike")], dead="less")

    (role,) = fit_catalogue(made, Machine(10 * GB), known=Knowledge({}, {"dead": "does not load"})).roles

    assert (role.uses, role.why) == ("alike", "dead does not load")


def test_a_role_without_any_model_gets_the_largest_alternative_of_other_catalogues():
    made = catalogue({"huge": 99}, [("huge",)])
    others = [catalogue({"little": 2}, [("little",)]), catalogue({"vast": 50, "fair": 6}, [("vast", "fair")])]

    fit = fit_catalogue(made, Machine(12 * GB), others=[made, *others])

    (role,) = fit.roles
    assert (role.uses, role.verdict, role.alternative) == (None, "too_large", "fair")
    assert not fit.works


def test_a_measured_size_counts_for_an_estimate():
    made = catalogue({"a": 9}, [("a",)])

    (role,) = fit_catalogue(made, Machine(5 * GB), known=Knowledge({"a": 4 * GB}, {})).roles

    assert (role.verdict, role.size_bytes) == ("fits", 4 * GB)


def test_the_limit_of_a_session_bounds_a_single_model_and_not_all_together():
    made = catalogue({"a": 6, "b": 4}, [("a",), ("b",)])

    fit = fit_catalogue(made, Machine(10 * GB, limit_bytes=5 * GB))

    assert verdicts(fit) == {"r0": "too_large", "r1": "fits"}


def test_an_ollama_that_keeps_few_models_bounds_the_team_too():
    made = catalogue({"a": 1, "b": 1, "c": 1}, [("a",), ("b",), ("b",), ("c",)])

    fit = fit_catalogue(made, Machine(10 * GB, max_models=1))

    assert fit.together == ("r1", "r2")


@pytest.mark.parametrize(
    ("gb", "suggested"), [(128, "echo"), (64, "echo"), (32, "compact"), (23.4, "compact"), (10, "single"), (3, None)]
)
def test_the_richest_catalogue_whose_usual_teams_fit_side_by_side_is_suggested(gb: float, suggested: str | None):
    fits = [fit_catalogue(made, Machine(round(gb * GB)), teams=TEAMS) for made in SHIPPED]

    found = suggest(fits)

    assert (found.catalogue if found else None) == suggested


def test_a_catalogue_that_does_as_well_as_any_is_kept():
    fits = [fit_catalogue(made, Machine(100 * GB), teams=TEAMS) for made in (COMPACT, ECHO, SINGLE)]

    found = suggest(fits)

    assert found is not None
    assert found.catalogue == "compact"


# ── for every machine and catalogue ───────────────────────────────────────────────────────────────────────────────

sizes_of_models = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 12), min_size=1)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    sizes = draw(sizes_of_models)
    names = st.lists(st.sampled_from(sorted(sizes)), min_size=1, max_size=3, unique=True).map(tuple)
    return catalogue(sizes, draw(st.lists(names, min_size=1, max_size=7)))


machines = st.builds(
    Machine,
    st.integers(0, 30).map(lambda gb: gb * GB),
    st.none() | st.integers(1, 20).map(lambda gb: gb * GB),
    st.none() | st.integers(0, 4),
)


@given(catalogues(), machines)
def test_what_is_called_together_never_exceeds_the_machine(made: Catalogue, machine: Machine):
    fit = fit_catalogue(made, machine)

    models = {role.uses for role in fit.roles if role.role in fit.together}
    used = sum(made.models[model].memory_bytes for model in models if model is not None)
    assert None not in models
    assert used == fit.together_bytes <= machine.capacity_bytes
    assert machine.max_models is None or len(models) <= machine.max_models


@given(catalogues(), machines)
def test_every_role_that_uses_a_model_can_have_it_in_memory(made: Catalogue, machine: Machine):
    for role in fit_catalogue(made, machine).roles:
        own = made.roles[role.role]
        can = [name for name in (own.model, *own.fallbacks) if made.models[name].memory_bytes <= machine.largest_bytes]
        if machine.max_models == 0:
            can = []
        assert role.uses == (can[0] if can else None)
        assert (role.verdict == "too_large") is (role.uses is None)
        assert bool(role.why) is (role.uses != role.wanted)


@given(sizes_of_models, st.data(), machines)
def test_no_choice_of_models_serves_more_roles_or_as_many_in_less_memory(
    sizes: dict[str, int], data: st.DataObject, machine: Machine
):
    bytes_of = {name: size * GB for name, size in sizes.items()}
    roles = data.draw(st.lists(st.sampled_from(sorted(sizes)), max_size=9))

    chosen = largest_together(bytes_of, roles, machine)

    def worth(models: frozenset[str]) -> tuple[int, int]:
        return sum(roles.count(model) for model in models), -sum(bytes_of[model] for model in models)

    every = [frozenset(c) for n in range(len(sizes) + 1) for c in combinations(sorted(set(roles)), n)]
    assert worth(chosen) == max(worth(c) for c in every if machine.holds(bytes_of[model] for model in c))

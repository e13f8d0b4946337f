"""The shipped catalogues, and what any catalogue can be asked."""

import pickle

import pytest

from delegator.errors import UnknownRole
from delegator.roles import load_catalogue
from delegator.roles.catalogue import Catalogue, Model, Role

NINE = (
    "ceo",
    "cto",
    "product_manager",
    "chro",
    "operations_head",
    "senior_architect",
    "uiux_engineer",
    "senior_developer",
    "test_lead",
)
SHIPPED = ("echo", "compact", "single")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_catalogue_has_the_nine_roles_in_order_of_rank(name):
    catalogue = load_catalogue(name)

    assert catalogue.name == name
    assert catalogue.names == NINE
    assert [role.rank for role in catalogue.roles.values()] == list(range(9))


@pytest.mark.parametrize("name", SHIPPED)
def test_each_role_of_a_shipped_catalogue_is_told_what_it_is_for(name):
    for role in load_catalogue(name).roles.values():
        assert role.title
        assert role.summary
        assert role.keywords
        assert 120 <= len(role.brief.split()) <= 220, role.name
        for part in ("You are responsible for", "You decide", "You do not decide", "In the team"):
            assert f"**{part}**" in role.brief, (role.name, part)


def test_echo_runs_on_the_models_of_the_first_installation():
    echo = load_catalogue("echo")

    assert {role.name: role.model for role in echo.roles.values()} == {
        "ceo": "qwen2.5:14b",
        "cto": "deepseek-coder:33b",
        "product_manager": "llama3.1:8b",
        "chro": "llama3.1:8b",
        "operations_head": "mistral:7b",
        "senior_architect": "deepseek-coder:33b",
        "uiux_engineer": "llama3.2-vision:11b",
        "senior_developer": "deepseek-coder:6.7b",
        "test_lead": "codellama:13b",
    }


def test_the_vision_model_that_no_longer_loads_declares_a_fallback_that_is_there():
    echo = load_catalogue("echo")

    assert echo.role("uiux_engineer").fallbacks == ("qwen3-vl:8b",)
    assert echo.models["qwen3-vl:8b"].memory_bytes == 7_800_000_000


@pytest.mark.parametrize(
    ("name", "models", "baseline_bytes"),
    [("echo", 7, 77_800_000_000), ("compact", 4, 31_500_000_000), ("single", 1, 6_900_000_000)],
)
def test_the_baseline_counts_each_model_once(name, models, baseline_bytes):
    catalogue = load_catalogue(name)

    assert len({role.model for role in catalogue.roles.values()}) == models
    assert catalogue.baseline_bytes == baseline_bytes


@pytest.mark.parametrize(
    ("name", "model", "smaller"),
    [
        ("echo", "deepseek-coder:33b", ("codellama:13b", "deepseek-coder:6.7b")),
        ("echo", "llama3.2-vision:11b", ("qwen3-vl:8b",)),  # a fallback that is smaller serves as well
        ("echo", "mistral:7b", ()),
        ("compact", "qwen2.5-coder:14b", ("qwen2.5-coder:7b",)),
        ("single", "qwen3:8b", ("llama3.2:3b",)),
    ],
)
def test_smaller_models_that_may_speak_in_its_place_are_known(name, model, smaller):
    assert load_catalogue(name).smaller_than(model, {}) == smaller


def test_what_measures_larger_is_no_smaller_alternative():
    measured = {"codellama:13b": 22_000_000_000, "deepseek-coder:6.7b": 9_000_000_000}

    assert load_catalogue("echo").smaller_than("deepseek-coder:33b", measured) == ("deepseek-coder:6.7b",)


def test_a_role_carries_the_options_of_its_model():
    echo = load_catalogue("echo")
    architect, model = echo.role("senior_architect"), echo.models["deepseek-coder:33b"]

    assert model == Model("deepseek-coder:33b", 8192, 21_400_000_000, (), 0.0, ("codellama:13b", "deepseek-coder:6.7b"))
    assert (architect.num_ctx, architect.memory_bytes, architect.gpu) == (8192, 21_400_000_000, 0.0)
    assert architect.reports_to == "cto"


def test_an_unknown_role_is_refused_with_those_that_exist():
    with pytest.raises(UnknownRole) as caught:
        load_catalogue("echo").role("astrologer")

    assert caught.value.role == "astrologer"
    assert caught.value.known == NINE


def test_names_are_put_in_order_of_rank_each_once():
    echo = load_catalogue("echo")

    assert echo.in_rank_order(["test_lead", "ceo", "test_lead", "cto"]) == ["ceo", "cto", "test_lead"]
    with pytest.raises(UnknownRole):
        echo.in_rank_order(["ceo", "astrologer"])


@pytest.mark.parametrize("name", SHIPPED)
def test_a_catalogue_survives_the_way_to_another_process(name):
    catalogue = load_catalogue(name)
    restored = pickle.loads(pickle.dumps(catalogue))

    assert restored == catalogue
    assert hash(restored) == hash(catalogue)
    assert restored.names == catalogue.names


def test_a_catalogue_cannot_be_changed():
    echo = load_catalogue("echo")

    with pytest.raises(TypeError):
        echo.roles["ceo"] = echo.role("cto")  # type: ignore[index]  # that it is refused is the test
    with pytest.raises(AttributeError):
        echo.name = "mine"  # type: ignore[misc]  # likewise


def test_roles_handed_over_in_any_order_come_back_by_rank():
    def role(name: str, rank: int) -> Role:
        return Role(name, name, "", "brief", None, "m", 4096, 1, 1.0, 0.0, (), (), rank)

    catalogue = Catalogue("two", [role("b", 1), role("a", 0)], [Model("m", 4096, 1, (), 0.0)])

    assert catalogue.names == ("a", "b")

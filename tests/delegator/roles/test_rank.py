"""The order in which roles lead."""

from hypothesis import given
from hypothesis import strategies as st

from delegator.roles.rank import KNOWN_LEVELS, KNOWN_SUPERIORS, in_order_of_rank


def test_the_nine_keep_their_order_however_the_file_lists_them():
    assert in_order_of_rank(dict(reversed(list(KNOWN_SUPERIORS.items())))) == list(KNOWN_LEVELS)


def test_another_role_comes_after_the_known_ones_of_its_depth():
    reports_to = {"security_officer": "cto", **KNOWN_SUPERIORS}

    assert in_order_of_rank(reports_to) == [
        "ceo",
        "cto",
        "product_manager",
        "chro",
        "operations_head",
        "senior_architect",
        "uiux_engineer",
        "security_officer",
        "senior_developer",
        "test_lead",
    ]


def test_a_catalogue_of_its_own_ranks_by_depth_and_then_by_the_file():
    reports_to = {"clerk": "partner", "paralegal": "lawyer", "lawyer": "partner", "partner": None}

    assert in_order_of_rank(reports_to) == ["partner", "clerk", "lawyer", "paralegal"]


def test_nobody_ranks_above_a_known_superior_that_stands_at_the_top():
    assert in_order_of_rank({"junior": "senior_developer", "senior_developer": None}) == ["senior_developer", "junior"]


@given(st.permutations(["a", "b", "c", "d", "ceo", "senior_developer"]), st.data())
def test_a_role_never_ranks_above_the_one_it_reports_to(names, data):
    reports_to = {}
    for position, name in enumerate(names):
        above = None if name in KNOWN_LEVELS else data.draw(st.sampled_from([None, *names[:position]]))
        reports_to[name] = above

    order = in_order_of_rank(reports_to)

    assert sorted(order) == sorted(names)
    assert all(above is None or order.index(above) < order.index(name) for name, above in reports_to.items())

"""Forms of words."""

import pytest

from delegator.analysis.inflection import forms_of


@pytest.mark.parametrize(
    ("base", "form"),
    [
        ("test", "tests"),
        ("test", "testing"),
        ("fix", "fixes"),
        ("fix", "fixed"),
        ("crash", "crashes"),
        ("policy", "policies"),
        ("deploy", "deployed"),
        ("plan", "planning"),
        ("drop", "dropped"),
        ("hire", "hiring"),
        ("write", "written"),
        ("build", "built"),
        ("rewrite", "rewrote"),
        ("optimize", "optimised"),
        ("color", "colours"),
        ("organization", "organisations"),
        ("analyze", "analysing"),
    ],
)
def test_a_form_is_known_by_its_base(base, form):
    assert forms_of([base])[form] == base


@pytest.mark.parametrize(("base", "other"), [("new", "news"), ("add", "address"), ("fix", "prefix"), ("for", "fors")])
def test_a_word_that_only_looks_alike_is_not_a_form(base, other):
    assert other not in forms_of([base])


def test_a_word_with_a_meaning_of_its_own_is_not_taken_for_a_form():
    forms = forms_of(["miss", "missing"])

    assert forms["missing"] == "missing"
    assert forms["missed"] == "miss"

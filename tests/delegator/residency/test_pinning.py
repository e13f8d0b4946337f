from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from delegator.residency.pinning import shut_out

models = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 30), max_size=6)


@given(models, models, st.integers(1, 60))
def test_what_is_shut_out_would_fit_without_the_pins_and_what_is_not_fits_beside_them(
    pinned: dict[str, int], others: dict[str, int], capacity: int
) -> None:
    lost = shut_out(pinned, others, capacity_bytes=capacity)

    for model, size in others.items():
        fits_beside = sum(pinned.values()) + size <= capacity
        assert (model in lost) == (model not in pinned and size <= capacity and not fits_beside)
    assert [others[model] for model in lost] == sorted((others[model] for model in lost), reverse=True)


def test_where_as_many_are_pinned_as_ollama_keeps_all_others_are_shut_out() -> None:
    assert shut_out({"a": 1}, {"b": 1}, capacity_bytes=60, max_models=2) == ()
    assert shut_out({"a": 1, "c": 1}, {"a": 1, "b": 1}, capacity_bytes=60, max_models=2) == ("b",)

"""The facts of an event, as the view *Events* tells them."""

import pytest

from serve_app.monitor.event_facts import DATA_CHARS, VALUE_CHARS, facts_of


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"bytes": 8_769_900_062}, ("", "8.8 GB")),
        ({"gpu_bytes": 0}, ("gpu", "0.0 GB")),
        ({"peak_gb": 12.14}, ("peak", "12.1 GB")),
        ({"seconds": 27.291}, ("", "27s")),
        ({"waited_s": 3.232}, ("waited", "3.2s")),
        ({"seconds_to_ready": 16.5}, ("to ready", "16s")),
        ({"turns": 3}, ("turns", "3")),
        ({"measured": False}, ("", "not measured")),
        ({"measured": True}, ("", "measured")),
        ({"was_there": False}, ("", "was not there")),
        ({"evicted": ["a:1b", "b:2b"]}, ("evicted", "a:1b, b:2b")),
        ({"steps": [{"rung": "wait", "why": "there is no room"}]}, ("steps", "there is no room")),
        ({"limits": {"agents": 3}}, ("limits", '{"agents": 3}')),
        ({"task_id": "task_1"}, ("task id", "task_1")),
    ],
)
def test_a_fact_is_written_for_people(data, told):
    assert facts_of(data) == (told,)


@pytest.mark.parametrize("nothing", [None, "", [], {}, "a65f" * 16, "sha256:" + "0b" * 32])
def test_what_nobody_reads_is_not_told(nothing):
    assert facts_of({"weights": nothing, "turn": 0}) == (("turn", "0"),)


def test_long_facts_are_cut_and_many_are_not_all_told():
    facts = facts_of({"reason": "x" * 1000, **{f"fact{n}": "y" * 30 for n in range(20)}})

    assert facts[0] == ("reason", "x" * (VALUE_CHARS - 1) + "…")
    assert sum(len(name) + len(value) for name, value in facts) <= DATA_CHARS
    assert len(facts) > 1


def test_control_characters_do_not_reach_the_page():
    assert facts_of({"rea\x1b[31mson": "it\nbroke\u202e"}) == (("reason", "it broke"),)

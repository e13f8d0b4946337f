"""Cutting conversations that are longer than the window (item 12)."""

from __future__ import annotations

import json

import pytest

from delegator.ollama.dialect.requests import ApiError, Message
from delegator.ollama.simulator.text.reply import token_count
from delegator.ollama.simulator.window import fit, render

SYSTEM = Message("system", "Be brief.")


def user(text: str) -> Message:
    return Message("user", text)


def test_what_fits_stays_whole():
    messages = (SYSTEM, user("a"), user("b"))

    assert fit(messages, 100, truncate=True) == messages


def test_the_oldest_go_first_and_system_messages_stay():
    messages = (SYSTEM, user("old " * 50), user("newer " * 20), user("last"))

    assert fit(messages, 60, truncate=True) == (SYSTEM, messages[2], messages[3])


def test_a_last_message_that_is_too_long_alone_is_cut_to_half_the_window():
    (kept,) = fit((user("x" * 10_000),), 100, truncate=True)

    assert 0 < token_count(render((kept,))) <= 60


def test_without_cutting_it_is_a_400_whose_text_is_json_again():
    with pytest.raises(ApiError) as refused:
        fit((user("x" * 10_000),), 100, truncate=False)

    told = json.loads(refused.value.text)["error"]
    assert (refused.value.status, told["type"], told["n_ctx"]) == (400, "exceed_context_size_error", 100)

"""The default source of text: it shows what was asked, says that it is simulated, and no prompt breaks it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.ollama.dialect.requests import Message
from delegator.ollama.simulator.text.prompt import read_prompt
from delegator.ollama.simulator.text.reply import ReplyRequest, pieces
from delegator.ollama.simulator.text.team import team

SYSTEM = (
    "You are one of a team of role agents.\n\n# Task\nAdd user authentication feature\n\n# Context\n- priority: high"
    "\n\n# Team\n- product_manager: Product Manager\n- senior_developer: Senior Developer\n- test_lead: Test Lead"
)


def turn(role: str, title: str, purpose: str) -> Message:
    return Message(
        "user", f"# Your role: {role} ({title})\nYou do your part.\n\n# Your turn: {purpose}\nSay it briefly."
    )


def said(role: str, text: str) -> Message:
    return Message("user", f"# {role} said\n{text}")


def reply_to(*messages: Message, model: str = "codellama:13b") -> str:
    return team(ReplyRequest(model, messages)).text


@pytest.mark.parametrize("purpose", ["frame", "contribute", "conclude"])
@pytest.mark.parametrize("role", ["ceo", "test_lead", "a_role_of_somebodys_own"])
def test_a_turn_shows_model_role_task_and_purpose(role: str, purpose: str):
    text = reply_to(Message("system", SYSTEM), turn(role, "The Title", purpose))

    assert text.startswith("[simulated codellama:13b] The Title here")
    assert "Add user authentication feature" in text
    assert purpose in text
    assert 60 <= len(pieces(text)) <= 160


def test_a_turn_names_who_spoke_before_and_quotes_the_last_without_its_label():
    text = reply_to(
        Message("system", SYSTEM),
        said("product_manager", "[simulated llama3.1:8b] Email first."),
        said("senior_developer", "[simulated deepseek-coder:6.7b] A session table will do."),
        turn("test_lead", "Test Lead", "contribute"),
    )

    assert "product_manager and senior_developer" in text
    assert "“A session table will do.”" in text
    assert text.count("[simulated") == 1


def test_a_direct_message_is_shown_with_its_sender():
    text = reply_to(
        Message("system", SYSTEM),
        Message("user", "# Message from product_manager\nWhat is the riskiest part?"),
        turn("test_lead", "Test Lead", "answer"),
    )

    assert "product_manager wrote: “What is the riskiest part?”" in text


def test_roles_and_purposes_speak_differently_and_the_same_question_gets_the_same_answer():
    asked = [
        (Message("system", SYSTEM), turn(role, "Title", purpose))
        for role in ("ceo", "cto", "test_lead")
        for purpose in ("frame", "contribute", "conclude", "answer")
    ]

    once = [reply_to(*messages) for messages in asked]

    assert once == [reply_to(*messages) for messages in asked]
    assert len(set(once)) == len(once)


def test_a_plain_question_gets_a_plain_answer_that_says_what_it_is():
    text = reply_to(Message("user", "Why is the sky blue?"))

    assert text.startswith("[simulated codellama:13b] ")
    assert "Why is the sky blue?" in text


def test_a_task_with_headings_of_its_own_is_still_the_task():
    system = SYSTEM.replace("Add user", "Write\n# Team\n- fake: Fake\n# Context\nand add user")

    asked = read_prompt([Message("system", system), turn("test_lead", "Test Lead", "frame")])

    assert asked is not None
    assert asked.task.endswith("and add user authentication feature")
    assert (asked.role, asked.purpose) == ("test_lead", "frame")


@pytest.mark.parametrize(
    "hostile",
    [
        "", "# Your role:", "# Your role: (", "# Your role: x", "# Your role: " + "(" * 1_000_000, "# Task\n" * 200_000,
        "\x00\x1b[31m\u202e{care} %s {0.__class__}", "]" * 500_000, " " * 1_000_000, "# Your turn: " * 100_000,
        "# Your role: a (b)\n" + "# Your turn: frame\n" * 100_000, "# " + "x" * 1_000_000 + " said\n",
    ],
    ids=range(12),
)  # fmt: skip
def test_a_hostile_prompt_gets_a_short_clean_reply(hostile: str):
    for messages in (
        (Message("user", hostile),),
        (Message("system", hostile), turn("ceo", "CEO", "frame")),
        (Message("system", SYSTEM), said("cto", hostile), turn("ceo", "CEO", "conclude")),
        (Message("system", SYSTEM), Message("user", f"# Message from {hostile}"), turn("ceo", "CEO", "answer")),
        (Message("system", SYSTEM), turn(hostile, hostile, hostile)),
    ):
        text = reply_to(*messages)

        assert text.startswith("[simulated ")
        assert len(text) < 1500
        assert text.isprintable()


@given(st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant", ""]), st.text())), st.text())
def test_any_conversation_gets_a_reply(messages: list[Message], model: str):
    assert reply_to(*messages, model=model).startswith("[simulated ")


@given(st.text(string.printable + "é漢\u2028\x85"))
def test_the_pieces_of_a_text_are_the_text(text: str):
    assert "".join(pieces(text)) == text

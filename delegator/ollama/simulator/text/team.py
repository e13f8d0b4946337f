"""The default source: a reply that shows what the model was asked, worth reading and plainly labelled as simulated.

It names the task, the role that speaks, and who spoke before; what it proposes is chosen from `phrases.py` by role
and purpose, the same for the same question. It understands nothing, and its first words say so.
"""

from __future__ import annotations

from delegator.ollama.simulator.text.phrases import CARES, CARES_ANYBODY, CLOSINGS, OPENINGS, STEPS, STEPS_ANYBODY
from delegator.ollama.simulator.text.prompt import Asked, read_prompt
from delegator.ollama.simulator.text.reply import Reply, ReplyRequest, excerpt

TASK_CHARS = 90
SAID_CHARS = 60


def team(request: ReplyRequest) -> Reply:
    """Answer as one of Delegator's agents, or as a plain model when the prompt is not one of Delegator's."""
    asked = read_prompt(request.messages)
    label = f"[simulated {excerpt(request.model, 60)}]"
    return Reply(f"{label} {_team_text(request, asked) if asked else _plain_text(request)}")


def _team_text(request: ReplyRequest, asked: Asked) -> str:
    purpose = asked.purpose if asked.purpose in OPENINGS else "answer"
    chosen = request.number(asked.role, purpose, asked.task)
    cares = CARES.get(asked.role, CARES_ANYBODY)
    steps = STEPS.get(asked.role, STEPS_ANYBODY)
    first = steps[chosen % len(steps)]
    second = steps[(chosen + 1) % len(steps)]
    opening = _pick(OPENINGS[purpose], chosen >> 8).format(care=cares[(chosen >> 16) % len(cares)])
    sentences = (
        f"{excerpt(asked.title, 40)} here, asked to {purpose} on “{_task_of(asked)}”.",
        _heard(asked),
        opening,
        f"I propose to {first}, then to {second}.",
        _pick(CLOSINGS[purpose], chosen >> 24),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _heard(asked: Asked) -> str:
    if asked.message is not None:
        sender, text = asked.message
        return f"{excerpt(sender, 40)} wrote: “{excerpt(text, TASK_CHARS)}”."
    if not asked.said:
        return "Nobody has spoken before me."
    names = list(dict.fromkeys(excerpt(role, 40) for role, _ in asked.said))
    role, text = asked.said[-1]
    quoted = f"{excerpt(role, 40)} said “{excerpt(_unlabelled(text), SAID_CHARS)}”"
    if len(names) == 1:
        return f"Before me, {quoted}."
    return f"Before me spoke {excerpt(', '.join(names[:-1]), 200)} and {names[-1]}; last, {quoted}."


def _plain_text(request: ReplyRequest) -> str:
    asked = excerpt(request.last_user_text, TASK_CHARS)
    chosen = request.number(asked)
    return " ".join(
        (
            f"I was asked: “{asked}”." if asked else "I was asked nothing.",
            f"{len(request.messages)} messages came with it." if len(request.messages) > 1 else "",
            "No language model is behind this answer: it stands in for one,",
            "so that everything around it can be seen at work.",
            f"A real model would now {_pick(('explain', 'suggest', 'work out'), chosen)} what you need.",
            f"A good start is to {STEPS_ANYBODY[chosen % len(STEPS_ANYBODY)]}.",
        )
    ).replace("  ", " ")


def _task_of(asked: Asked) -> str:
    return excerpt(asked.task, TASK_CHARS) or "a task that was not told"


def _unlabelled(text: str) -> str:
    """Take off the label of an earlier simulated reply, so that labels do not pile up in what is quoted."""
    start = text.lstrip()
    if start.startswith("[simulated "):
        return start.partition("]")[2]
    return start


def _pick(table: tuple[str, ...], number: int) -> str:
    return table[number % len(table)]

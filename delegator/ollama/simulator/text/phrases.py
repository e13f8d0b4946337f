"""What simulated roles care about and propose, and how a turn opens and closes, by role and by purpose."""

from __future__ import annotations

CARES: dict[str, tuple[str, ...]] = {
    "ceo": ("what this is worth to the business", "which of our goals this serves", "where we stop if it fails"),
    "cto": ("which technology we commit to", "what this does to the rest of our systems", "the technical risk"),
    "product_manager": (
        "who needs this and how we will know",
        "the smallest version worth shipping",
        "what we leave out",
    ),
    "chro": ("who is affected and how we tell them", "fairness and the rules we are bound by", "who does the work"),
    "operations_head": (
        "how it runs on an ordinary Tuesday",
        "the way back if it goes wrong",
        "who is called at night",
    ),
    "senior_architect": ("where the boundaries lie", "what talks to what, and what must not", "how it fails in part"),
    "uiux_engineer": (
        "what a person sees first",
        "the words on the screen",
        "how it works with keyboard and screen reader",
    ),
    "senior_developer": ("the smallest change that does it", "which module owns this", "what could break beside it"),
    "test_lead": ("how we prove that it works", "the edges: empty, huge, twice, at once", "what must never come back"),
}

CARES_ANYBODY = ("what is asked and what is not", "the order of the steps", "how we know that we are done")

STEPS: dict[str, tuple[str, ...]] = {
    "ceo": ("agree on one figure that tells us it worked", "decide by the end of the week", "name one owner"),
    "cto": ("try the riskiest part first, in a branch", "keep to what we already run", "write the decision down"),
    "product_manager": ("write three acceptance criteria", "ask two users before we build", "cut it into two releases"),
    "chro": ("talk to those concerned first", "put the agreement in writing", "review it after a month"),
    "operations_head": (
        "release to a tenth of the users first",
        "rehearse the way back",
        "watch two figures for a day",
    ),
    "senior_architect": ("draw the interface before the code", "keep state in one place", "let each part start alone"),
    "uiux_engineer": ("sketch the three main screens", "show each error where it happens", "test it with five people"),
    "senior_developer": (
        "begin with a failing test",
        "keep the old path until the new one holds",
        "change one thing a commit",
    ),
    "test_lead": (
        "cover the main path and its two worst neighbours",
        "run it against real data",
        "automate what we did by hand",
    ),
}

STEPS_ANYBODY = ("write down what done means", "take the smallest step first", "look at it together afterwards")

OPENINGS: dict[str, tuple[str, ...]] = {
    "frame": ("I open: the question is {care}.", "To begin with, what matters is {care}."),
    "contribute": ("From my side the point is {care}.", "What I add is {care}."),
    "conclude": ("I conclude: it comes down to {care}.", "To sum up, what decides is {care}."),
    "answer": ("My answer turns on {care}.", "As I see it, this is about {care}."),
}

CLOSINGS: dict[str, tuple[str, ...]] = {
    "frame": ("I ask each of you for one risk and one step.", "Tell me what you need and what you would not do."),
    "contribute": ("If that is agreed, I can start at once.", "I would rather hear an objection now than later."),
    "conclude": ("With that we have a plan; the rest is work.", "That is our answer, and we stand by it together."),
    "answer": ("Ask again if you need it in more detail.", "I can go deeper wherever you like."),
}

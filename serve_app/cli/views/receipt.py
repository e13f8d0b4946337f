"""How a receipt looks: what a session held against all roles in memory, as figures and as two bars."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from delegator.schemas import Receipt
from serve_app.cli.views.layout import SIMULATED, facts, heading, line, table
from serve_app.formats import bar, counted, duration, gigabyte_seconds, gigabytes, percent


def receipt(reply: Receipt) -> list[RenderableType]:
    """Show a receipt; where the models were simulated, it says so in its first line."""
    return [title(reply), *memory(reply), line(), figures(reply)]


def title(reply: Receipt) -> Text:
    """Return the first line: whose receipt, how final, and on what its figures stand."""
    marks = [SIMULATED] if reply.simulated else []
    marks += [] if reply.final else ["so far: the session is open"]
    return heading(f"Receipt of {reply.session_id}", note=" · ".join(marks))


def memory(reply: Receipt) -> list[RenderableType]:
    """Return the two bars: most memory this session held, and all roles at once."""
    most = max(reply.peak_gb, reply.all_roles_gb)
    everybody = f"all {reply.agents_total} roles"
    used = f"this session ({reply.agents_used} of {reply.agents_total})"
    mark = f", {SIMULATED}" if reply.simulated else ""
    rows = (
        (used, gigabytes(reply.peak_gb), line((bar(reply.peak_gb, of=most), "green")), reply.sizes + mark),
        (
            everybody,
            gigabytes(reply.all_roles_gb),
            line((bar(reply.all_roles_gb, of=most), "dim")),
            reply.baseline + mark,
        ),
    )
    return [table(("memory at its peak", ">", "", "sizes"), rows)]


def figures(reply: Receipt) -> RenderableType:
    """Return the rest of the receipt as facts."""
    seconds = f" ({SIMULATED})" if reply.simulated else ""
    ready = duration(reply.seconds_to_ready) + seconds if reply.seconds_to_ready is not None else None
    compared = f"{gigabyte_seconds(reply.gb_seconds)} of {gigabyte_seconds(reply.all_roles_gb_seconds)}"
    tokens = f"{reply.prompt_tokens:,} read, {reply.reply_tokens:,} written in {counted(reply.turns, 'turn')}"
    return facts(
        (
            ("memory saved", f"{percent(reply.memory_saved_ratio)} at the peak"),
            ("memory over time", f"{compared}, {percent(reply.gb_seconds_saved_ratio)} saved{seconds}"),
            ("ready after", ready),
            ("lasted", duration(reply.duration_seconds) + seconds),
            ("model loads", f"{reply.loads}, {duration(reply.load_seconds)} in all{seconds}"),
            ("tokens", tokens + seconds),
        )
    )

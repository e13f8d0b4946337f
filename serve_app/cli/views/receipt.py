"""How a receipt looks: what a session held against all roles in memory, as figures and as two bars; and its check."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from delegator.schemas import Electricity, Receipt, ReceiptMoney
from delegator.sessions.verification import Difference
from serve_app.cli.views.layout import SIMULATED, facts, heading, line, table
from serve_app.formats import amount, bar, counted, duration, gigabyte_seconds, gigabytes, percent, watt_hours


def receipt(reply: Receipt) -> list[RenderableType]:
    """Show a receipt; where the models were simulated, it says so in its first line."""
    return [title(reply), *memory(reply), line(), figures(reply), *roles(reply)]


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
    lasted = f"{duration(reply.duration_seconds)}, {duration(reply.speaking_seconds)} of them speaking"
    loads = f"{reply.loads}, {duration(reply.load_seconds)} in all, {counted(reply.swaps, 'swap')}"
    return facts(
        (
            ("memory saved", f"{percent(reply.memory_saved_ratio)} at the peak"),
            ("memory over time", f"{compared}, {percent(reply.gb_seconds_saved_ratio)} saved{seconds}"),
            ("electricity", power(reply.electricity) + seconds if reply.electricity else None),
            ("money", price(reply.money) + seconds if reply.money else None),
            ("at prices of", rates(reply)),
            ("ready after", ready),
            ("lasted", lasted + seconds),
            ("waited for models", duration(reply.waiting_seconds) + seconds),
            ("model loads", loads + seconds),
            ("tokens", tokens + seconds),
        )
    )


def power(used: Electricity) -> str:
    """Return the electricity of a session against that of all roles, and how it is known."""
    compared = f"{watt_hours(used.watt_hours)} of {watt_hours(used.all_roles_watt_hours)}"
    return f"{compared}, {percent(used.saved_ratio)} saved, {used.source}"


def price(money: ReceiptMoney) -> str:
    """Return the cost of a session against that of all roles."""
    compared = f"{amount(money.used.total, money.currency)} of {amount(money.all_roles.total, money.currency)}"
    return f"{compared}, {percent(money.saved_ratio)} saved"


def rates(reply: Receipt) -> str | None:
    """Return the prices a receipt was made with, so that it reads right when they have changed."""
    if reply.basis is None:
        return None
    prices = reply.basis.prices
    priced = ((prices.per_kwh, "kWh"), (prices.per_gb_hour, "GB·h"), (prices.per_gpu_hour, "GPU·h"))
    return ", ".join(f"{amount(rate, prices.currency)} a {unit}" for rate, unit in priced)


def roles(reply: Receipt) -> list[RenderableType]:
    """Return who read and wrote how much, one role a line."""
    if not reply.roles:
        return []
    rows = [
        (role.role, role.turns, f"{role.prompt_tokens:,}", f"{role.reply_tokens:,}", duration(role.speaking_seconds))
        for role in reply.roles
    ]
    return [line(), table(("role", ">turns", ">tokens read", ">tokens written", ">speaking"), rows, whole=("role",))]


def verdict(differences: Sequence[Difference], *, events: int) -> list[RenderableType]:
    """Return whether the event log bears a receipt out, and if not, every figure that differs."""
    read = f"recomputed from {counted(events, 'event')} of the log"
    if not differences:
        return [line(), line(("agrees", "green"), f": {read}, every figure is the same")]
    rows = [(difference.field, _shown(difference.told), _shown(difference.found)) for difference in differences]
    return [
        line(),
        line(("differs", "red"), f": {read}, {counted(len(rows), 'figure')} not the same"),
        table(("figure", ">receipt", ">event log"), rows, whole=("figure",)),
    ]


def _shown(value: object) -> str | None:
    return None if value is None else str(value)

"""How alerts look: what is raised with what would help, what was lately, and which rules are on."""

from __future__ import annotations

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from delegator.schemas import Alert, ListAlertsReply
from serve_app.cli.views.layout import heading, line, table
from serve_app.formats import duration, moment, one_line


def alerts(reply: ListAlertsReply) -> list[RenderableType]:
    """Show the raised alerts, the past ones, the rules, and who is told."""
    shown: list[RenderableType] = []
    for alert in reply.raised:
        shown += _raised(alert)
    if not reply.raised:
        shown.append(line(("No alert is raised.", "green")))
    if reply.past:
        rows = [(moment(a.raised_at), _lasted(a), a.rule, a.subject, one_line(a.message)) for a in reply.past]
        shown += [line(), heading("Past alerts")]
        shown.append(table(("raised", ">lasted", "rule", "about", "what it was"), rows, whole=("raised", "rule")))
    shown += [line(), heading("Rules"), *(line("  ", one_line(rule)) for rule in reply.rules)]
    if not reply.rules:
        shown.append(line(("  none is on", "dim")))
    shown += [line(), _webhook(reply)]
    return shown


def _raised(alert: Alert) -> list[RenderableType]:
    told = line((alert.rule, "bold red"), "  ", (alert.subject, "bold"), (f"  since {moment(alert.raised_at)}", "dim"))
    hint = [Padding(line((alert.hint, "dim")), (0, 0, 0, 2))] if alert.hint else []
    return [told, Padding(line(alert.message), (0, 0, 0, 2)), *hint]


def _lasted(alert: Alert) -> str | None:
    if alert.cleared_at is None:
        return None
    return duration(max(0.0, (alert.cleared_at - alert.raised_at).total_seconds()))


def _webhook(reply: ListAlertsReply) -> Text:
    if reply.webhook is None:
        return line(("Nobody is told by webhook (setting alerts.webhook).", "dim"))
    if reply.webhook_error is not None:
        return line(("warning: ", "yellow"), f"the webhook failed lately: {reply.webhook_error}")
    return line((f"Told by webhook: {reply.webhook}.", "dim"))

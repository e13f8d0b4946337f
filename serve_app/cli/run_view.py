"""What is seen of `delegator run` while it goes on: the analysis, the team, each contribution, the answer, the receipt.

Owns the look only. Progress goes to standard error, results to standard output as they come; with `--json` the results
are left to the one object at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import RenderableType
from rich.prompt import Prompt
from rich.text import Text

from delegator.errors import DelegatorError, InvalidInput
from delegator.schemas import AgentInfo, Question, Receipt, SessionView, TaskView
from delegator.sessions.questions import understood
from serve_app.cli.progress import Progress
from serve_app.cli.terminal import Terminal
from serve_app.cli.views.analysis import headline, why
from serve_app.cli.views.layout import SIMULATED, facts, line, remarks, table
from serve_app.cli.views.receipt import receipt
from serve_app.cli.views.sessions import question
from serve_app.cli.views.system import agent_state
from serve_app.cli.views.work import answer, contribution, doing, spoken
from serve_app.formats import counted, duration, gigabytes


class RunView:
    """The eyes of one run, as a context: leaving it clears the progress line."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._progress = Progress(terminal)
        self._titles: dict[str, str] = {}
        self._shown = 0

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)

    def creating(self) -> None:
        """The task is being read and a session made."""
        self._progress.now("Reading the task and choosing the team")

    def analysis(self, session: SessionView) -> None:
        """Show what the task is and why it needs these roles."""
        shown: list[RenderableType] = []
        if session.simulated:
            shown.append(line(("Models are simulated, and so are the texts, sizes and seconds below.", "yellow")))
        found = session.analysis
        self._results(
            *shown, headline(found), facts(why(found) or [("why", found.reasoning)]), *remarks(session.notes), line()
        )

    def choose(self, asked: Question) -> str:
        """Put a question to whoever sits at the terminal; return the answer as answer_question takes it.

        Raises:
            KeyboardInterrupt, EOFError: nobody wants to answer.
        """
        with self._progress.aside():
            for part in question(asked):
                self._terminal.err.print(part)
            while True:
                said = Prompt.ask(Text("Number, or another kind of work"), console=self._terminal.err, default="1")
                try:
                    return _meant(said, asked)
                except InvalidInput as error:
                    self._terminal.note(error.advice)

    def starting(self, session: SessionView, agents: Sequence[AgentInfo]) -> None:
        """Say how far the team is; it can speak once all run and the model of the first is in memory."""
        team = counted(len(session.active_agents), "agent")
        first = next((agent for agent in agents if agent.role == session.active_agents[0]), None)
        loading = f", waiting for {first.model}" if first is not None and not first.model_resident else ""
        self._progress.now(f"Starting {team}: {len(agents)} running{loading}")

    def ready(self, session: SessionView, agents: Sequence[AgentInfo]) -> None:
        """Show the team."""
        self._titles = {agent.role: agent.title for agent in agents}
        rows = [(agent.title, agent.model, gigabytes(agent.memory_gb), agent_state(agent)) for agent in agents]
        seconds = duration(session.seconds_to_ready) if session.seconds_to_ready is not None else "a moment"
        mark = f" ({SIMULATED})" if session.simulated else ""
        self._results(
            table(("role", "model", ">memory", "state"), rows, whole=("role", "model")),
            line((f"Session {session.session_id}, ready after {seconds}{mark}", "dim")),
            line(),
        )

    def task(self, seen: TaskView) -> None:
        """Show what has been said since the last look, and who is at it now."""
        said = spoken(seen)
        for turn in said[self._shown :]:
            if not seen.status.is_final and turn.purpose in ("conclude", "answer"):
                break  # it may be the answer: that gets its own place
            self._results(*contribution(turn, titles=self._titles, simulated=seen.simulated))
            self._shown += 1
        if not seen.status.is_final:
            self._progress.now(doing(seen, titles=self._titles))

    def ending(self) -> None:
        """The work is done, the session is being ended."""
        self._progress.now("Ending the session and freeing its memory")

    def giving_up(self, session_id: str, *, interrupted: bool) -> None:
        """Say that the session is ended although its task is not."""
        again = "; Ctrl-C again leaves at once" if interrupted else ""
        self._progress.now(f"Ending session {session_id}{again}")

    def not_ended(self, session_id: str, error: DelegatorError) -> None:
        """Say that the session could not be ended."""
        with self._progress.aside():
            self._terminal.note(f"Session {session_id} was not ended: {error.message}")

    def outcome(self, session: SessionView, task: TaskView, used: Receipt | None, *, kept: bool) -> None:
        """Show the answer and the receipt, or where to find them."""
        if task.answer is not None:
            self._terminal.show(*answer(task, titles=self._titles))
        if used is None:
            told = f"The team works on task {task.task_id}. See: delegator task show {task.task_id} --wait-s 20"
            self._terminal.show(line(told))
        else:
            self._terminal.show(*receipt(used))
        if kept or used is None:
            told = f"Session {session.session_id} stays open. End it: delegator session end {session.session_id}"
            self._terminal.show(line(), line((told, "dim")))

    def _results(self, *parts: RenderableType) -> None:
        if self._terminal.as_json:
            return
        with self._progress.aside():
            self._terminal.show(*parts)


def _meant(said: str, asked: Question) -> str:
    if said.strip().isdecimal() and 1 <= int(said) <= len(asked.options):
        return asked.options[int(said) - 1].answer
    return understood(said, asked)

"""Spawns and terminates agents: one actor per role, leased by sessions.

An agent lives as long as a session leases it. Ray restarts its process when it dies; `revive` waits for that, or spawns
it anew where Ray has given up; `restart` has a process replaced by hand. Agents live outside the placement groups of
the models, so that a swap of models does not kill them: each is annotated with the memory of its own process only.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.agent import Agent
from actors.agent_lives import LiveAgent, restarts_by_ray
from actors.agent_messages import Pulse, Turn
from actors.agent_work import AgentWork
from actors.calls import ask
from actors.cluster import NAMESPACE, agent_name, model_host_name
from actors.footprint import AGENT_MEMORY_BYTES
from delegator.errors import AgentNotRunning, DeadlineExceeded
from delegator.roles.catalogue import Catalogue
from delegator.settings import Settings

log = logging.getLogger(__name__)

RESTART_S = 15.0
"""Real seconds that Ray has to replace a killed process; after that the agent is spawned anew."""

COUNT_S = 2.0
"""Real seconds that Ray has to say how often it has restarted an actor."""

LOOK_S = 0.1
"""Real seconds between two looks whether a killed process has been replaced."""


def tell_host_of_first_token(turn: Turn) -> None:
    """Let a turn's `ModelHost` know that it speaks: the next speaker's model may come now. Nobody waits for it."""
    if turn.endpoint_id:
        try:
            host = ray.get_actor(model_host_name(turn.endpoint_id), namespace=NAMESPACE)
        except ValueError:  # it is being restarted: the next speaker's model is loaded when its turn comes
            log.info("the host of %s is away: the first token of %s goes untold", turn.endpoint_id, turn.turn_id)
        else:
            host.first_token.remote(turn.turn_id)


class AgentPool:
    """All agents of this Delegator. Owned by the `SessionManager`; every change of one role goes under its lock."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        """Start with no agents; those of a former life are taken over as sessions lease them again."""
        self._catalogue = catalogue
        self._settings = settings
        self._live: dict[str, LiveAgent] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._works: dict[str, AgentWork] = {}
        """By role: what agents of a former life have done that are not taken over yet."""

    def recall(self, works: Mapping[str, AgentWork]) -> None:
        """Take over what the agents of a former life have done; before any of them is leased."""
        self._works = dict(works)

    def live(self) -> list[LiveAgent]:
        """Return the running agents by rank."""
        return [self._live[role] for role in self._catalogue.in_rank_order(self._live)]

    def get(self, role: str) -> LiveAgent | None:
        """Return the role's running agent, if there is one."""
        return self._live.get(role)

    async def lease(
        self, role: str, session_id: str, *, since: datetime | None = None, node_id: str | None = None
    ) -> LiveAgent:
        """Make sure that the role's agent runs, and lease it for a session.

        Args:
            role: whose agent.
            session_id: who leases it.
            since: when it was spawned, where that was in a former life.
            node_id: the Ray node its model is on: it starts there if it is not running yet; None: anywhere near.

        Raises:
            DeadlineExceeded: its process did not answer in time; nothing is left of it.
        """
        async with self._locks[role]:
            agent = self._live.get(role)
            if agent is None:
                agent = await self._spawn(role, since or datetime.now(UTC), node_id)
                agent.work = self._works.pop(role, agent.work)
                self._live[role] = agent
            agent.sessions.add(session_id)
            return agent

    async def release(self, role: str, session_id: str, *, terminate: bool = True) -> bool:
        """End one session's lease; terminate the agent when it was the last one. Return whether it was terminated."""
        async with self._locks[role]:
            agent = self._live.get(role)
            if agent is None:
                return False
            agent.sessions.discard(session_id)
            if agent.sessions or not terminate:
                return False
            await self._terminate(role, agent.handle)
            del self._live[role]
            return True

    async def revive(self, role: str) -> LiveAgent | None:
        """Wait until a lost agent answers again; spawn it anew where it is gone for good. None: there is none."""
        async with self._locks[role]:
            agent = self._live.get(role)
            if agent is None:
                return None
            try:
                agent.greet(await self._pulse(agent.handle))
            except (RayError, DeadlineExceeded) as exc:
                agent = await self._replace(agent, exc)
            return agent

    async def restart(self, role: str) -> LiveAgent:
        """Replace an agent's process and wait until the new one answers; that it was is told by the caller.

        Raises:
            AgentNotRunning: there is none.
            DeadlineExceeded: not even a new agent answered in time; nothing is left of it.
        """
        async with self._locks[role]:
            agent = self._live.get(role)
            if agent is None:
                raise AgentNotRunning(role, tuple(one.role for one in self.live()))
            agent.lives.told += 1  # before anybody can take it for a loss
            try:
                ray.kill(agent.handle, no_restart=False)
                try:
                    await self._await_another_process(agent)
                except DeadlineExceeded as exc:
                    agent = await self._replace(agent, exc)
            except BaseException:
                agent.lives.told -= 1
                raise
            return agent

    async def _await_another_process(self, agent: LiveAgent) -> None:
        """Wait until another process of a killed agent answers.

        Raises:
            DeadlineExceeded: none did in time.
        """
        before, deadline_s = (agent.pid, agent.node), min(RESTART_S, self._settings.actor_start_deadline_s)
        try:
            async with asyncio.timeout(deadline_s):
                while (agent.pid, agent.node) == before:
                    await self.pulse(agent)
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise DeadlineExceeded(f"restarting the process of {agent.role}", deadline_s) from None

    async def _replace(self, agent: LiveAgent, why: Exception) -> LiveAgent:
        """Spawn an agent anew where its old one is gone for good; it keeps its sessions and its figures."""
        log.warning("agent %s is spawned anew: %s", agent.role, why)
        await self._terminate(agent.role, agent.handle)
        fresh = await self._spawn(agent.role, agent.spawned_at, agent.node_id)
        fresh.sessions, fresh.work, fresh.lives = agent.sessions, agent.work, agent.lives
        fresh.lives.spawned_anew()
        self._live[agent.role] = fresh
        return fresh

    async def terminate_orphans(self, teams: Callable[[], Mapping[str, Collection[str]]]) -> list[str]:
        """Terminate running agents that no open session needs, known to this pool or not; return their roles.

        Args:
            teams: gives the team of each open session, as it is now. Leases of other sessions count no more.
        """
        named = await asyncio.to_thread(_named_agents)
        gone = []
        for role in sorted(named | set(self._live)):
            async with self._locks[role]:
                agent = self._live.get(role)
                open_teams = teams()
                if agent is not None:
                    agent.sessions &= open_teams.keys()
                if (agent is not None and agent.sessions) or any(role in team for team in open_teams.values()):
                    continue
                handle = agent.handle if agent else await asyncio.to_thread(_find, role)
                self._live.pop(role, None)
                if handle is not None:
                    await self._terminate(role, handle)
                    gone.append(role)
        return gone

    async def pulse(self, agent: LiveAgent, *, deadline_s: float = 2.0) -> Pulse | None:
        """Ask an agent how it is; None when it does not answer now."""
        try:
            pulse = await self._pulse(agent.handle, deadline_s)
        except (RayError, DeadlineExceeded):
            return None
        agent.greet(pulse)
        return pulse

    async def look_at(self, agent: LiveAgent) -> None:
        """Bring up to date how often an agent's process was replaced, as far as it and Ray answer within seconds."""
        await asyncio.gather(self.pulse(agent), self._count_lives(agent))

    async def _count_lives(self, agent: LiveAgent) -> None:
        try:
            async with asyncio.timeout(COUNT_S):
                count = await asyncio.to_thread(self._restarts_by_ray, agent.handle)
        except (RayError, TimeoutError) as exc:
            log.warning("Ray does not tell how often %s was restarted: %s", agent.role, exc)
            return
        if count is not None and self._live.get(agent.role, agent) is agent:  # not of an actor given up meanwhile
            agent.lives.counted(count)

    def _restarts_by_ray(self, handle: Any) -> int | None:
        return restarts_by_ray(handle)

    async def _pulse(self, handle: Any, deadline_s: float | None = None) -> Pulse:
        deadline_s = deadline_s or self._settings.actor_start_deadline_s
        pulse: Pulse = await ask(handle.ping.remote(), deadline_s=deadline_s, what="an agent's answer")
        return pulse

    async def _spawn(self, role: str, spawned_at: datetime, node_id: str | None) -> LiveAgent:
        node_id = node_id or self._own_node()
        handle = self._start_process(role, node_id)
        agent = LiveAgent(role, handle, spawned_at, node_id)
        try:
            agent.greet(await self._pulse(handle))
        except BaseException:
            await self._terminate(role, handle)
            raise
        await self._count_lives(agent)  # what a former life has restarted it is not told again
        return agent

    def _own_node(self) -> str:
        return str(ray.get_runtime_context().get_node_id())

    def _start_process(self, role: str, node_id: str) -> Any:
        options = {
            "name": agent_name(role),
            "namespace": NAMESPACE,
            "lifetime": "detached",
            "get_if_exists": True,
            "num_cpus": 0,
            "memory": AGENT_MEMORY_BYTES,
            "max_restarts": -1,
            "scheduling_strategy": NodeAffinitySchedulingStrategy(node_id, soft=True),
        }
        return (
            ray.remote(Agent)
            .options(**options)
            .remote(self._catalogue.role(role), self._settings, tell_host_of_first_token)
        )

    async def _terminate(self, role: str, handle: Any) -> None:
        """Kill the actor and wait until Ray no longer knows its name."""
        ray.kill(handle, no_restart=True)
        deadline_s = self._settings.actor_start_deadline_s
        try:
            async with asyncio.timeout(deadline_s):
                while role in await asyncio.to_thread(_named_agents):  # noqa: ASYNC110 - Ray tells nobody when a name is free again
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise DeadlineExceeded(f"ending the process of {role}", deadline_s) from None


def _named_agents() -> set[str]:
    prefix = agent_name("")
    named = ray.util.list_named_actors(all_namespaces=True)
    return {
        actor["name"].removeprefix(prefix)
        for actor in named
        if actor["namespace"] == NAMESPACE and actor["name"].startswith(prefix)
    }


def _find(role: str) -> Any:
    try:
        return ray.get_actor(agent_name(role), namespace=NAMESPACE)
    except ValueError:
        return None

"""Names in the cluster, and how a program joins it as a driver.

Owns what our actors are called and the environment in which a program of ours speaks to a Ray. Starting and stopping a
Ray of our own is `local_ray.py`; what the actors do is theirs.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from delegator.errors import StartFailed

NAMESPACE = "delegator"
SESSION_MANAGER = "session-manager"

CONNECT_S = 3.0
"""Real seconds in which an address must take a connection. Ray itself asks a dead address for many minutes."""

_before: dict[str, str | None] = {}
"""What the variables that `connect` set were before."""

_ADVICE = (
    "Is Ray running there, and is its token in ~/.ray/auth_token or RAY_AUTH_TOKEN? "
    "Without --ray-address Delegator starts a Ray of its own."
)


def model_host_name(endpoint: str) -> str:
    """Return the name of the actor that owns the models of one Ollama endpoint, given by its id."""
    return f"model-host-{endpoint}"


def agent_name(role: str) -> str:
    """Return the name of the actor that does a role's work."""
    return f"agent-{role}"


def driver_environment(token_path: Path | None) -> dict[str, str]:
    """Return the variables that a program needs to reach a Ray of ours; with None, one that somebody else started.

    Every process of a Ray of ours runs with them too.
    """
    plain = {
        "RAY_USAGE_STATS_ENABLED": "0",
        # A program under `uv run` would otherwise have its working folder packed and sent to every worker.
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    }
    if token_path is None:
        # Ray asks for its token by default, but a driver shows one unasked only to the address `auto`.
        shows_token = "RAY_AUTH_MODE" not in os.environ and _users_token()
        return plain | ({"RAY_AUTH_MODE": "token"} if shows_token else {})
    return plain | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token_path),
        # On Linux Ray replaces 127.0.0.1 by the machine's outer address, unless clusters are switched off by this.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }


def _users_token() -> bool:
    """Return whether the user has a token for Rays of his own, where Ray itself would look for it."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH", "~/.ray/auth_token")
    return bool(os.environ.get("RAY_AUTH_TOKEN")) or Path(named).expanduser().is_file()


def connect(address: str, *, token_path: Path | None = None) -> str:
    """Join the Ray at `address` as a driver, quietly, and return its exact address; `disconnect` leaves it.

    Args:
        address: host:port, or `auto` for the Ray that runs on this machine.
        token_path: where the token of a Ray of ours is; None: Ray finds token and rules itself.

    Raises:
        StartFailed: no Ray takes us at this address.
    """
    _take_over(driver_environment(token_path))
    try:
        return _join(address)
    except BaseException:
        disconnect()
        raise


def _join(address: str) -> str:
    import ray

    _look_again()
    logging.getLogger("ray").setLevel(logging.ERROR)
    exact = _exact_address(address)
    if ray.is_initialized():
        if ray.get_runtime_context().gcs_address == exact:
            return exact
        ray.shutdown()
    if not reachable(exact):
        raise StartFailed("the connection to Ray", f"nothing answers at {exact}", _ADVICE)
    try:
        ray.init(
            address=exact,
            namespace=NAMESPACE,
            log_to_driver=False,
            configure_logging=True,
            logging_level=logging.ERROR,
        )
    except Exception as exc:  # Ray raises a dozen types here, from ConnectionError to AuthenticationError
        raise StartFailed("the connection to Ray", f"{exact}: {_first_line(exc)}", _ADVICE) from exc
    return exact


def disconnect() -> None:
    """Leave the Ray; detached actors and Serve applications stay. The environment is as it was before `connect`.

    Harmless where nothing is connected.
    """
    if "ray" not in sys.modules:
        return
    import ray

    ray.shutdown()
    _give_back()
    _look_again()


@contextlib.contextmanager
def connected(address: str, *, token_path: Path | None = None) -> Iterator[str]:
    """Be a driver of the Ray at `address` for a while; gives the exact address."""
    exact = connect(address, token_path=token_path)
    try:
        yield exact
    finally:
        disconnect()


def metrics_url() -> str | None:
    """Return where the connected Ray's head answers Prometheus; None where it does not."""
    import ray

    head, _, _ = ray.get_runtime_context().gcs_address.rpartition(":")
    for node in ray.nodes():
        if node["Alive"] and node["NodeManagerAddress"] == head.strip("[]") and node["MetricsExportPort"] > 0:
            return f"http://{head}:{node['MetricsExportPort']}/metrics"
    return None


def reachable(address: str) -> bool:
    """Return whether somebody takes connections at host:port."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S):
            return True
    except (OSError, ValueError):
        return False


def remove_ours() -> list[str]:
    """Remove our named actors and the reservations of our models from the connected Ray; return their names.

    For a Ray that others use too: nothing but what bears our names is touched.
    """
    import ray
    from ray.util import placement_group_table, remove_placement_group
    from ray.util.placement_group import get_placement_group

    from actors.reservations import PREFIX

    removed: list[str] = []
    for found in ray.util.list_named_actors(all_namespaces=True):
        if found["namespace"] == NAMESPACE:
            with contextlib.suppress(ValueError):  # gone meanwhile
                ray.kill(ray.get_actor(found["name"], namespace=NAMESPACE))
                removed.append(found["name"])
    groups: Mapping[str, Mapping[str, Any]] = placement_group_table()
    for group in groups.values():
        name = str(group.get("name", ""))
        if name.startswith(f"{PREFIX}:") and group.get("state") != "REMOVED":
            with contextlib.suppress(ValueError):
                remove_placement_group(get_placement_group(name))
                removed.append(name)
    return removed


def _take_over(environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        _before.setdefault(name, os.environ.get(name))
        os.environ[name] = value


def _give_back() -> None:
    while _before:
        name, value = _before.popitem()
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _look_again() -> None:
    """Make Ray, which reads the environment when it is imported, read it again: it may have been imported before."""
    from ray._private import ray_constants

    raylet: Any = importlib.import_module("ray._raylet")  # compiled, without types
    given = os.environ.get("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER")
    ray_constants.ENABLE_RAY_CLUSTER = sys.platform == "linux" if given is None else given.lower() in ("1", "true")
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()


def _exact_address(address: str) -> str:
    if address != "auto":
        return address
    from ray._private.services import canonicalize_bootstrap_address

    try:
        found = canonicalize_bootstrap_address("auto")
    except Exception as exc:  # ConnectionError, or ValueError for several
        raise StartFailed("the connection to Ray", _first_line(exc), _ADVICE) from exc
    if found is None:
        raise StartFailed("the connection to Ray", "no Ray runs on this machine", _ADVICE)
    return str(found)


def _first_line(exc: Exception) -> str:
    return (str(exc).strip() or type(exc).__name__).splitlines()[0]

"""What every worker process of our Ray does before it becomes an actor: loads what actors need, and closes one door.

Ray imports this module in idle workers (`RAY_preload_python_modules`), so that an actor need not wait for it.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

logger = logging.getLogger(__name__)

PRELOADED = ("httpx", "ollama", "pydantic", "delegator.schemas", "delegator.settings", "delegator.ollama.client")
"""Modules that most of our actors import, 0.3 s together."""


def keep_on_loopback() -> None:
    """Have the gRPC server that each Serve replica opens for other deployments listen on loopback only.

    Ray Serve 2.60 opens it on every interface and offers no setting for it. It asks for the token, but our Ray has one
    node: nobody outside may even knock.
    """
    from ray._common import tls_utils

    open_port: Any = tls_utils.add_port_to_grpc_server

    def open_loopback_port(server: Any, address: str) -> Any:
        return open_port(server, address.replace("[::]:", "127.0.0.1:"))

    tls_utils.add_port_to_grpc_server = open_loopback_port


def preload() -> None:
    """Import what actors need; a module that cannot be imported is reported by the actor that needs it."""
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError as exc:
            logger.warning("%s cannot be loaded: %s", name, exc)


keep_on_loopback()
preload()

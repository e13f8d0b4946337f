"""The running system as a command reaches it.

Owns where it is (an address given, else the instance started on this machine, else the settings) and how one coroutine
is run against it. Starting and stopping it is `serve_app/lifecycle/`.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from delegator.errors import InvalidInput
from delegator.settings import Settings
from serve_app.caller import at_the_command_line

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

Result = TypeVar("Result")

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - looked up, never bound
"""What to call where a server listens on every address."""


def address_of(url: str | None) -> str:
    """Return where the system should answer.

    Raises:
        InvalidInput: `url` is no address.
        SettingsInvalid: the settings, which name it otherwise, are wrong.
    """
    if url is None:
        return local_address(Settings.load())
    full = url if "://" in url else f"http://{url}"
    if not _is_address(full):
        raise InvalidInput("--url", f"{url!r} is not an address", "Write for example http://127.0.0.1:8000")
    return full.rstrip("/")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


def local_address(settings: Settings) -> str:
    """Return the address of the instance of these settings: as it was started, else as it would be."""
    from serve_app.lifecycle.instance import read_instance

    instance = read_instance(settings.home_dir)
    if instance is not None:
        return str(instance.api_url).rstrip("/")
    host = _EVERY_ADDRESS.get(settings.host, settings.host)
    return f"http://{host}:{settings.port}"


def with_system(url: str | None, work: Callable[[AsyncClient], Awaitable[Result]]) -> Result:
    """Run `work` with a client of the running system, and return what it returns.

    Ctrl-C and a request to terminate cancel `work` once, so that it can tidy up; a second Ctrl-C leaves at once.

    Raises:
        SystemNotRunning: nothing answers there.
    """
    address = address_of(url)

    async def connected() -> Result:
        from serve_app.client import AsyncClient

        async with AsyncClient(address, calls_as=at_the_command_line()) as client:
            return await work(client)

    return run_async(connected())


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """Run one coroutine to its end; a request to terminate cancels it as Ctrl-C does."""

    async def cancellable() -> Result:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGHUP):
            try:
                loop.add_signal_handler(name, task.cancel if task else lambda: None)
            except (ValueError, RuntimeError):  # not the main thread: then nobody sends us signals
                break
        return await work

    return asyncio.run(cancellable())

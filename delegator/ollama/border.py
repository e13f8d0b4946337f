"""The border: every error of httpx, the ollama package and a broken reply becomes one of `delegator/errors.py` here.

    what happened                                            becomes
    no connection, connection lost before the reply began    OllamaUnavailable
    connecting or sending took too long                      OllamaUnavailable
    all connections of the client in use                     OllamaBusy
    503, 429                                                 OllamaBusy
    404 about a model                                        ModelMissing, ModelNotFound where it was to be deleted
    a pull of a model that nobody has                        ModelNotFound
    any other failure of a pull                              PullFailed
    500 that tells of a failed load                          ModelLoadFailed
    other 500, an error line, no JSON, a cut stream          ReplyBroken where a model was to speak,
                                                             OllamaUnavailable elsewhere
    any other 4xx, a 500 about an option of the wrong type   OllamaRefused

Deadlines that Delegator sets itself belong to the client, cancellation to nobody: it passes through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import ollama

from delegator.errors import (
    DelegatorError,
    ModelLoadFailed,
    ModelMissing,
    ModelNotFound,
    OllamaBusy,
    OllamaRefused,
    OllamaUnavailable,
    PullFailed,
    ReplyBroken,
)
from delegator.ollama.wire import MalformedReply, read_object, shorten

_LOAD_FAILURE = re.compile(
    r"llama-?server|llama runner|waiting for .* to start|unknown model architecture|unable to load model"
    r"|error loading model|requires more system memory|out of memory|failed to allocate|cudamalloc",
    re.IGNORECASE,
)
"""Texts of a 500 that mean: this model is not in memory and will not be without a change."""

_WRONG_OPTION = re.compile(r'^option "[^"]*" must be', re.IGNORECASE)

_NOT_IN_REGISTRY = re.compile(r"pull model manifest: .*(file does not exist|not found)", re.IGNORECASE)

_MALFORMED = (MalformedReply, ValueError, TypeError, AttributeError, KeyError)
"""What the ollama package raises over a body that is no JSON, or not the object it expects."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as its errors name it.

    Attributes:
        endpoint: base URL of the host.
        what: the call in words, for "took longer than".
        model: the model it is about; None for calls about the host.
        loads: the call's purpose is to bring the model into memory.
        pulls: the call's purpose is to bring it onto the disk.
        deletes: the call's purpose is to take it off the disk.
        begun: the answer has begun, so that a lost connection means a broken answer and not an absent host.
    """

    endpoint: str
    what: str
    model: str | None = None
    loads: bool = False
    pulls: bool = False
    deletes: bool = False
    begun: bool = False

    def broken(self, problem: str) -> DelegatorError:
        """Return the error for an answer that began, or should have been one, and is none."""
        if self.model is None:
            return OllamaUnavailable(self.endpoint, problem)
        if self.loads:
            return ModelLoadFailed(self.endpoint, self.model, problem)
        if self.pulls:
            return PullFailed(self.endpoint, self.model, problem)
        if self.deletes:
            return OllamaRefused(self.endpoint, 500, problem)
        return ReplyBroken(self.endpoint, self.model, problem)


@contextmanager
def border(call: Call) -> Iterator[None]:
    """Translate every foreign error raised inside. Use it around one step; nothing foreign gets past."""
    try:
        yield
    except (DelegatorError, TimeoutError):
        raise
    except ollama.ResponseError as exc:
        raise from_status(call, exc.status_code, str(exc.error)) from exc
    except httpx.TimeoutException as exc:
        raise _from_timeout(call, exc) from exc
    except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL, ConnectionError) as exc:
        raise OllamaUnavailable(call.endpoint, _told(exc)) from exc
    except (httpx.HTTPError, httpx.StreamError) as exc:
        problem = f"the connection broke ({_told(exc)})"
        raise (call.broken(problem) if call.begun else OllamaUnavailable(call.endpoint, problem)) from exc
    except _MALFORMED as exc:
        raise call.broken(f"the answer is not Ollama's ({_told(exc)})") from exc


def from_status(call: Call, status: int, problem: str) -> DelegatorError:
    """Return the error for an answer with a status of 400 and above, or -1: an error line inside a stream."""
    problem = shorten(problem, 300) or f"status {status}"
    if status in (503, 429):
        return OllamaBusy(call.endpoint, problem)
    if status == 404 and call.model is not None and "not found" in problem and "page" not in problem:
        on_disk = f"on {call.endpoint}"
        return ModelNotFound(call.model, on_disk) if call.deletes else ModelMissing(call.endpoint, call.model)
    if call.model is not None and _NOT_IN_REGISTRY.search(problem):
        return ModelNotFound(call.model, "in the registry")
    if 400 <= status < 499 or (status == 500 and _WRONG_OPTION.search(problem)):
        return OllamaRefused(call.endpoint, status, problem)
    if call.model is not None and status == 500 and _LOAD_FAILURE.search(problem):
        return ModelLoadFailed(call.endpoint, call.model, problem)
    if status in (-1, 500):
        return call.broken(problem)
    return OllamaUnavailable(call.endpoint, f"status {status}: {problem}")


def error_text(body: str | bytes) -> str:
    """Return the words of an error body: its `error` field, or the body itself where it is no such object."""
    try:
        value: Any = read_object(body).get("error")
    except MalformedReply:
        value = None
    return value if isinstance(value, str) else shorten(body)


def _from_timeout(call: Call, exc: httpx.TimeoutException) -> DelegatorError:
    if isinstance(exc, httpx.PoolTimeout):
        return OllamaBusy(call.endpoint, "all connections of this client are in use")
    return OllamaUnavailable(call.endpoint, f"the network took too long ({type(exc).__name__})")


def _told(exc: Exception) -> str:
    return shorten(str(exc)) or type(exc).__name__

"""Who is answered at all: Ollama on a loopback bind refuses requests that name a foreign host (item 1)."""

from __future__ import annotations

import ipaddress

_LOCAL_ENDINGS = (".localhost", ".local", ".internal")


def is_local(host: str) -> bool:
    """Tell whether a Host header is one that Ollama answers on a loopback bind: loopback, private or local."""
    name = host.rsplit(":", 1)[0].strip("[]").lower() if not host.endswith("]") else host.strip("[]")
    if name in ("", "localhost") or name.endswith(_LOCAL_ENDINGS):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_private or address.is_unspecified

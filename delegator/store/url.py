"""Reading the URL of a database, in any of the forms people write it."""

from __future__ import annotations

from urllib.parse import unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from delegator.errors import SettingsInvalid

DRIVER = "postgresql+psycopg"

EXPECTED = "Write it as postgresql://user:password@host:5432/database."


def read_url(text: str) -> URL:
    """Return the URL of a PostgreSQL database, with the driver that the store uses put in.

    Takes `postgresql://`, `postgres://` and `postgresql+psycopg://`; what follows the question mark goes to libpq
    (`sslmode=require`, `host=/folder/of/the/socket`).

    Raises:
        SettingsInvalid: another database, another driver, or no URL at all. The text is never repeated in full: it
            may hold a password.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError) as exc:
        raise SettingsInvalid("database_url", "", "is not a URL", EXPECTED) from exc
    if url.drivername not in ("postgresql", "postgres", DRIVER):
        problem = f"names {url.drivername}; Delegator needs PostgreSQL"
        raise SettingsInvalid("database_url", url.render_as_string(hide_password=True), problem, EXPECTED)
    if url.host and url.host.lower().startswith("%2f"):  # libpq's way to write the folder of a socket as a host
        url = url.set(host=unquote(url.host))
    return url.set(drivername=DRIVER)


def shown(url: URL) -> str:
    """Return where the database is, for people: no password, no options."""
    place = url.host or url.query.get("host") or "the local socket"
    place = place if isinstance(place, str) else ", ".join(place)
    port = f":{url.port}" if url.port else ""
    return f"{url.database or url.username or 'the default database'} at {place}{port}"

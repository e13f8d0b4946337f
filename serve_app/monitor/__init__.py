"""The monitor: a page at /monitor that shows who works, what that holds in memory, and what it saved.

A Serve application of its own, because NiceGUI keeps the state of every open page in one process. It only reads, and
only through `Backend`. From the inside out:

    wording, now_view, history_view, statistics_view   replies to what is drawn; pure, no NiceGUI
    shared, reads                                      one call to the backend for all open pages
    elements, pages, web                               NiceGUI: what a browser gets, imported on the replica alone
    deploy                                             the Serve application

What the views look like is in `components/*.vue` and `monitor.css`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ray.serve import Application

    from delegator.settings import Settings

ROUTE_PREFIX = "/monitor"
"""Where the application is to be deployed."""


def application(settings: Settings) -> Application:
    """Build the Serve application; deploy it under `ROUTE_PREFIX`."""
    from serve_app.monitor.deploy import application as build

    return build(settings)

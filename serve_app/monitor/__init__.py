"""The monitor: a page at /monitor that shows who works, what that holds in memory, and what it saved.

A Serve application of its own, because NiceGUI keeps the state of every open page in one process. It reaches the
system only through `Backend`. From the inside out:

    wording, *_view, choices     replies to what is drawn, words of an address to requests; pure, no NiceGUI
    event_facts                  facts of events as a person reads them; pure
    charts                       columns, rows and scales as they are drawn; pure
    controls, model_controls     what can be done from a page, and what is said before it is done; pure
    live                         from the store's events to the pages they concern; no NiceGUI
    speech                       what running turns have said so far, once for all pages that show them; no NiceGUI
    changes                      what differs between two views, which is all that an open page is sent; pure
    elements, view               what makes a view: its board, its choice, how it is read, which events concern it
    views/                       one file for each view, and `VIEWS`, their order in the navigation
    pages, web                   NiceGUI: what a browser gets; these four are imported on the replica alone
    frames                       no page of ours is shown inside another's
    feed, speakers               what they hear of the system: the store's announcements, agents as they speak
    deploy, urgency              the Serve application, and how little hurry it has

A view is five files: `<name>_view.py` (frozen dataclasses and the pure function that makes them of replies),
`components/monitor_<name>.vue` (draws them; emits `choose` with the words of another choice), `css/<name>.css` (its own
looks, every rule below a class of that view; what views share is in `monitor.css`), `choices.py` (its choice),
and `views/<name>.py` (its `Board`, how it is read, its `View`), named in `views/__init__.py`. Nothing else has to
change: navigation, live updates, errors and titles follow from its `View`. A button that does something is a `Control`
in the view; its component calls `window.delegatorControl(control)`, and everything else is the frame's.
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

"""The views of the monitor, each in a file of its own, in the order of the navigation.

Imported on the replica alone.
"""

from __future__ import annotations

from typing import Any

from serve_app.monitor.view import View
from serve_app.monitor.views.alerts import ALERTS
from serve_app.monitor.views.events import EVENTS
from serve_app.monitor.views.history import HISTORY
from serve_app.monitor.views.models import MODELS
from serve_app.monitor.views.now import NOW
from serve_app.monitor.views.session import SESSION
from serve_app.monitor.views.statistics import STATISTICS

VIEWS: tuple[View[Any, Any], ...] = (NOW, HISTORY, STATISTICS, EVENTS, MODELS, ALERTS, SESSION)

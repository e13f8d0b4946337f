"""What differs between two views, put in place as the browser does it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest

from serve_app.monitor.changes import Change, Changes, difference


@dataclass(frozen=True, slots=True)
class Row:
    """A row, recognised by its name."""

    name: str
    figure: float
    team: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A view with rows."""

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    request: Any = None


def browser(value: object) -> Any:
    """Return a value as the browser gets it."""
    return json.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


def put(old: Any, change: Any) -> Any:
    """Do what `window.delegatorChanged` does."""
    if "new" in change:
        return change["new"]
    made = old.copy()
    if "rows" in change:
        taken = [old[p[0] : p[0] + p[1]] if isinstance(p, list) else [p["new"]] for p in change["rows"]]
        made = [row for rows in taken for row in rows]
    for name, part in change.get("parts", {}).items():
        place = int(name) if isinstance(made, list) else name
        made[place] = put(made[place], part)
    return made


ROWS = tuple(Row(f"r{n}", float(n), ("a", "b")) for n in range(40))
VIEW = View("Now", ROWS, ("one", "two"), {"id": 1, "of": [1, 2]})


@pytest.mark.parametrize(
    "after",
    [
        replace(VIEW, title="Then"),
        replace(VIEW, rows=(Row("new", 1.0), *ROWS)),
        replace(VIEW, rows=ROWS[1:]),
        replace(VIEW, rows=()),
        replace(VIEW, rows=ROWS[::-1]),
        replace(VIEW, rows=(*ROWS[:7], Row("new", 1.0), *ROWS[9:30], replace(ROWS[30], team=("a",)), *ROWS[31:])),
        replace(VIEW, rows=(*ROWS, ROWS[0])),
        replace(VIEW, notes=("two", "one", "three")),
        replace(VIEW, notes=("one", "one")),
        replace(VIEW, request={"id": 2, "of": [1, 3]}),
        replace(VIEW, request={"id": 1}),
        replace(VIEW, request={"id": True, "of": [[1], 2]}),
        replace(VIEW, request=None),
    ],
)
@pytest.mark.parametrize("back", [False, True])
def test_the_browser_makes_the_later_view_of_the_earlier(after, back):
    before, after = (after, VIEW) if back else (VIEW, after)

    assert put(browser(before), browser(difference(before, after))) == browser(after)


def test_a_row_that_came_and_a_figure_that_changed_are_all_that_is_sent():
    after = replace(VIEW, rows=(Row("new", 1.0), *ROWS[:-1], replace(ROWS[-1], figure=7.5)))

    assert difference(VIEW, after) == {
        "parts": {
            "rows": {
                "rows": [{"new": Row("new", 1.0)}, [0, 40]],
                "parts": {"40": {"parts": {"figure": {"new": 7.5}}}},
            }
        }
    }


def test_equal_views_have_no_difference():
    assert difference(VIEW, replace(VIEW)) is None
    assert Changes().between(VIEW, replace(VIEW)) == Change({})


def test_pages_at_one_pace_share_one_difference():
    changes, after = Changes(), replace(VIEW, title="Then")
    found = changes.between(VIEW, after)

    assert changes.between(VIEW, after) is found
    assert changes.between(after, VIEW) is not found
    assert changes.between(after, VIEW) == Change({"parts": {"title": {"new": "Now"}}})

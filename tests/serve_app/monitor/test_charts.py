"""Charts as they are drawn: columns with their heights and words."""

import pytest

from serve_app.monitor.charts import Values, columns


def test_columns_are_measured_against_the_highest_and_losses_have_no_height():
    drawn, _ = columns([Values("a", "a", (4.0, 6.0)), Values("b", "b", (5.0, -2.0))], write="{:.0f}".format)

    assert [column.heights for column in drawn] == [(0.4, 0.6), (0.5, 0.0)]
    assert [column.values for column in drawn] == [("4", "6"), ("5", "-2")]


@pytest.mark.parametrize(("count", "named"), [(1, 1), (6, 6), (7, 4), (30, 6), (90, 6)])
def test_few_columns_are_named_and_the_last_one_always(count, named):
    drawn, _ = columns([Values(str(n), str(n), (1.0,)) for n in range(count)], write=str)

    assert sum(column.named for column in drawn) == named
    assert drawn[-1].named

"""The monitor's words."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from delegator.errors import InvalidInput, SystemNotRunning
from serve_app.monitor import wording
from serve_app.monitor.wording import Trouble


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.9, "0s"), (59.99, "59s"), (60, "1m 0s"), (323, "5m 23s"), (3600, "1h 0m"), (7499, "2h 4m")],
)
def test_a_running_time_is_written_in_whole_seconds(seconds, text):
    assert wording.uptime(seconds) == text


@pytest.mark.parametrize(
    ("role", "title", "label"),
    [
        ("ceo", "Chief Executive Officer", "CEO"),
        ("chro", "Chief Human Resources Officer", "CHRO"),
        ("uiux_engineer", "UI/UX Engineer", "UI/UX Engineer"),
        ("senior_developer", None, "Senior developer"),
        ("data_lead", "Data\nLead\x1b[31m", "Data Lead"),
    ],
)
def test_a_role_is_called_as_people_call_it(role, title, label):
    assert wording.role_label(role, title) == label


@pytest.mark.parametrize(
    ("label", "letters"),
    [
        ("Senior Developer", "SD"),
        ("CEO", "CEO"),
        ("CHRO", "CHR"),
        ("UI/UX Engineer", "UUE"),
        ("Head of Operations", "HO"),
        ("Senior developer", "SEN"),
        ("", ""),
    ],
)
def test_initials_stand_for_a_role(label, letters):
    assert wording.initials(label) == letters


@pytest.mark.parametrize(
    ("used_gb", "baseline_gb", "text"),
    [
        (29.3, 80.5, "64 % less than all 9 roles (80.5 GB)"),
        (0.0, 80.5, "nothing resident; all 9 roles would hold 80.5 GB"),
        (80.5, 80.5, "as much as all 9 roles (80.5 GB)"),
        (96.6, 80.5, "20 % more than all 9 roles (80.5 GB)"),
        (10.0, 0.0, "nothing to compare with"),
    ],
)
def test_the_saving_is_told_against_all_roles(used_gb, baseline_gb, text):
    assert wording.saving(used_gb=used_gb, baseline_gb=baseline_gb, roles=9) == text


def test_times_are_told_in_utc():
    at = datetime(2026, 1, 2, 0, 30, 5, tzinfo=timezone(timedelta(hours=2)))

    assert wording.clock(at) == "22:30:05"
    assert wording.clock(at.astimezone(UTC)) == "22:30:05"


def test_a_long_task_is_cut_and_kept_on_one_line():
    cut = wording.excerpt("first\nsecond " + "x" * 1_000)

    assert cut.startswith("first second xxx")
    assert cut.endswith("…")
    assert len(cut) == wording.SHOWN_CHARS


def test_an_error_of_the_backend_passes_and_a_refused_choice_does_not():
    failed = SystemNotRunning("actor session-manager")
    wrong = InvalidInput("date", "is not a day", "")

    assert wording.trouble(failed) == Trouble(failed.message, failed.advice, "system_not_running", passing=True)
    assert wording.refusal(wrong) == Trouble("date: is not a day", "", "invalid_input", passing=False)

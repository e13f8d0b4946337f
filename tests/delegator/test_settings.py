"""Settings: where they come from, which source wins, and how a wrong one is told."""

import json
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from delegator.errors import SettingsInvalid
from delegator.schemas import Complexity, Rung
from delegator.settings import GB, ComplexityLimit, Settings, parse_size
from delegator.wording import format_size


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch, tmp_path):
    """Start every test without our variables, in an empty folder."""
    for name in list(os.environ):
        if name.upper().startswith("DELEGATOR_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write_file(tmp_path):
    """Write `delegator.toml` into the working folder."""

    def write(text, name="delegator.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(**options):
    """Return (key, value, problem, expected) of the error that loading raises."""
    with pytest.raises(SettingsInvalid) as refused:
        Settings.load(**options)
    return refused.value.args


# ── sources ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_defaults_are_the_origins_configuration():
    settings = Settings.load()

    assert (settings.max_concurrent_sessions, settings.session_timeout_minutes) == (10, 60)
    assert settings.auto_cleanup_agents is True
    assert {level.value: settings.complexity_limits.of(level) for level in Complexity} == {
        "low": ComplexityLimit(max_agents=2, max_memory_gb=10),
        "medium": ComplexityLimit(max_agents=4, max_memory_gb=25),
        "high": ComplexityLimit(max_agents=6, max_memory_gb=40),
        "very_high": ComplexityLimit(max_agents=9, max_memory_gb=50),
    }


def test_nothing_but_loopback_is_listened_on_by_default():
    assert Settings.load().host == "127.0.0.1"


def test_an_option_wins_over_the_environment_over_the_file_over_the_default(monkeypatch, write_file):
    write_file('port = 1\nray_port = 1\ncatalogue = "compact"\n')
    monkeypatch.setenv("DELEGATOR_PORT", "2")
    monkeypatch.setenv("DELEGATOR_RAY_PORT", "2")

    settings = Settings.load(port=3)

    assert (settings.port, settings.ray_port, settings.catalogue) == (3, 2, "compact")
    assert settings.dashboard_port == 8265


def test_an_option_that_is_none_was_not_given(monkeypatch):
    monkeypatch.setenv("DELEGATOR_CATALOGUE", "single")

    assert Settings.load(catalogue=None).catalogue == "single"


def test_an_empty_variable_was_not_given(monkeypatch):
    monkeypatch.setenv("DELEGATOR_PORT", "")

    assert Settings.load().port == 8000


def test_nested_values_are_merged_one_by_one_from_all_sources(monkeypatch, write_file):
    write_file(
        "[complexity_limits.low]\nmax_agents = 1\nmax_memory_gb = 12\n[complexity_limits.high]\nmax_agents = 7\n"
    )
    monkeypatch.setenv("DELEGATOR_COMPLEXITY_LIMITS__LOW__MAX_AGENTS", "3")

    limits = Settings.load(complexity_limits={"medium": {"max_memory_gb": 30}}).complexity_limits

    assert limits.low == ComplexityLimit(max_agents=3, max_memory_gb=12)
    assert limits.medium == ComplexityLimit(max_agents=4, max_memory_gb=30)
    assert limits.high == ComplexityLimit(max_agents=7, max_memory_gb=40)
    assert limits.very_high == ComplexityLimit(max_agents=9, max_memory_gb=50)


def test_a_whole_table_may_be_given_as_json(monkeypatch):
    monkeypatch.setenv("DELEGATOR_COMPLEXITY_LIMITS", '{"low": {"max_agents": 1}}')

    assert Settings.load().complexity_limits.low == ComplexityLimit(max_agents=1, max_memory_gb=10)


def test_the_file_may_be_anywhere(monkeypatch, write_file):
    write_file("port = 1\n")
    monkeypatch.setenv("DELEGATOR_CONFIG", str(write_file("port = 2\n", name="other.toml")))

    assert Settings.load().port == 2


def test_variables_of_the_tests_and_marks_of_processes_are_no_settings(monkeypatch):
    monkeypatch.setenv("DELEGATOR_TEST_OLLAMA", "http://127.0.0.1:1")
    monkeypatch.setenv("DELEGATOR_INSTANCE", "abc")

    assert Settings.load() == Settings.load()


@pytest.mark.parametrize("text", ["no", "off", "0", "false", "FALSE"])
def test_a_switch_can_be_written_in_several_ways(monkeypatch, text):
    monkeypatch.setenv("DELEGATOR_AUTO_CLEANUP_AGENTS", text)

    assert Settings.load().auto_cleanup_agents is False


def test_home_is_found_from_the_persons_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))

    assert Settings.load().home_dir == tmp_path / ".delegator"
    assert Settings.load(home="here").home_dir == Path.cwd() / "here"


def test_the_slash_at_the_end_of_an_address_does_not_count():
    assert Settings.load(ollama_url="http://gpu:11434/").ollama_url == "http://gpu:11434"


# ── what is wrong ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "value", "problem", "advice"),
    [
        ("DELEGATOR_PROT", "1", "is not a setting", "Did you mean DELEGATOR_PORT?"),
        ("DELEGATOR_COMPLEXITY_LIMIT", "1", "is not a setting", "Did you mean DELEGATOR_COMPLEXITY_LIMITS?"),
        ("DELEGATOR_PORT__X", "1", "is not a setting", "It has no parts to set."),
        (
            "DELEGATOR_COMPLEXITY_LIMITS__LOWW__MAX_AGENTS",
            "1",
            "is not a setting",
            "Did you mean DELEGATOR_COMPLEXITY_LIMITS__LOW__MAX_AGENTS?",
        ),
        (
            "DELEGATOR_COMPLEXITY_LIMITS__LOW__AGENTS",
            "1",
            "is not a setting",
            "Did you mean DELEGATOR_COMPLEXITY_LIMITS__LOW__MAX_AGENTS?",
        ),
        ("DELEGATOR_COMPLEXITY_LIMITS__LOW__MAX_AGENTS", "two", "is not a whole number", "Roles in the team."),
        ("DELEGATOR_PORT", "http", "is not a whole number", "Port of API, MCP and monitor. The default is 8000."),
        ("delegator_port", "70000", "must be at most 65535", "Port of API, MCP and monitor. The default is 8000."),
        (
            "DELEGATOR_MODELS",
            "real",
            "is not one of auto, ollama, simulated",
            "auto: Ollama where it answers, otherwise simulated models, said plainly. The default is auto.",
        ),
        (
            "DELEGATOR_MEMORY_RESERVE",
            "lots",
            "is not a size; write for example 64GB or 24GiB",
            "Left to the system and other programs where memory is not given. The default is 4GB.",
        ),
        (
            "DELEGATOR_OLLAMA_URL",
            "gpu:11434",
            "is not a web address",
            "The Ollama endpoint, or several with commas between them. The default is ",
        ),
        (
            "DELEGATOR_COMPLEXITY_LIMITS",
            "9",
            "is not an object of keys and values",
            "What a session may use, by the complexity of its task.",
        ),
        ("DELEGATOR_COMPLEXITY_LIMITS", "{low", "is not JSON", "Set its parts, as in "),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(monkeypatch, name, value, problem, advice):
    monkeypatch.setenv(name, value)

    told = refusal()

    assert told[:3] == (name, value, problem)
    assert told[3].startswith(advice)


@pytest.mark.parametrize(
    ("text", "key", "value", "problem"),
    [
        ("prot = 1", "prot in delegator.toml", "1", "is not a setting"),
        ("port = 'http'", "port in delegator.toml", "http", "is not a whole number"),
        ("port = true", "port in delegator.toml", "true", "must be a number, not true or false"),
        ("port = [1]", "port in delegator.toml", "", "is not a whole number"),
        ("keep_alive_s = nan", "keep_alive_s in delegator.toml", "nan", "must be more than 0"),
        ("keep_alive_s = inf", "keep_alive_s in delegator.toml", "inf", "is not a finite number"),
        ("complexity_limits = 1", "complexity_limits in delegator.toml", "1", "is not an object of keys and values"),
        (
            "[complexity_limits.low]\nmax_agents = 0",
            "complexity_limits.low.max_agents in delegator.toml",
            "0",
            "must be at least 1",
        ),
        (
            "[complexity_limits.lo]\nmax_agents = 1",
            "complexity_limits.lo in delegator.toml",
            "",
            "is not a setting",
        ),
    ],
)
def test_a_wrong_key_of_the_file_is_told_with_the_file(write_file, text, key, value, problem):
    write_file(text)

    assert refusal()[:3] == (key, value, problem)


def test_a_wrong_option_is_told_by_its_name():
    assert refusal(memory="64 parsecs")[:3] == (
        "memory",
        "64 parsecs",
        "is not a size; write for example 64GB or 24GiB",
    )
    assert refusal(prot=1) == ("prot", "1", "is not a setting", "Did you mean port?")


def test_a_size_whose_unit_was_forgotten_is_refused():
    assert refusal(memory="64")[2] == "is 64 bytes, which holds nothing; give a unit, as in 64GB"


@pytest.mark.parametrize("nothing", ["0", "0GB", 0])
def test_no_memory_for_models_is_refused(nothing):
    assert refusal(memory=nothing)[2] == "is nothing; leave it away for what the machine has"
    assert Settings.load(memory_reserve=nothing).memory_reserve == 0


@pytest.mark.parametrize("text", ["port = ", "[[", "port = 1\nport = 2", "\x00"])
def test_a_file_that_is_no_toml_is_named(write_file, text):
    write_file(text)

    key, value, problem, expected = refusal()

    assert (key, value, expected) == ("delegator.toml", "", "Mend the file or move it away.")
    assert problem.startswith("cannot be read: ")


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "delegator.toml").write_bytes(b"\xff\xfe\x00")

    assert refusal()[0] == "delegator.toml"


def test_a_file_that_was_named_must_be_there(monkeypatch):
    monkeypatch.setenv("DELEGATOR_CONFIG", "nowhere.toml")

    assert refusal() == ("DELEGATOR_CONFIG", "nowhere.toml", "there is no such file", "Give the path of a TOML file.")


@pytest.mark.parametrize(
    "url", ["mysql://me:{}@h/db", "user=me password={} host=h", "http://me:{}@h/?password={}", "{}"]
)
@pytest.mark.parametrize("secret", ["pa55word", "p@ss:w/rd", "a&b"])
def test_a_password_is_never_told(monkeypatch, url, secret):
    monkeypatch.setenv("DELEGATOR_DATABASE_URL", url.replace("{}", secret))

    with pytest.raises(SettingsInvalid) as refused:
        Settings.load()

    assert secret not in str(refused.value) + str(refused.value.details()) + str(refused.value.__cause__)
    assert refused.value.key == "DELEGATOR_DATABASE_URL"


def test_a_password_is_not_shown_with_the_settings():
    settings = Settings.load(database_url="postgresql://me:pa55word@db/delegator")

    assert settings.database_url == "postgresql://me:pa55word@db/delegator"
    assert "pa55word" not in repr(settings) + str(settings)


@pytest.mark.parametrize("url", ["https//hooks.example.com/{}", "https://h:99999/{}", "https://[h/{}", "ftp://h/{}"])
def test_the_secret_in_the_address_of_a_webhook_is_never_told(monkeypatch, url):
    monkeypatch.setenv("DELEGATOR_ALERTS__WEBHOOK", url.replace("{}", "s3cret"))

    with pytest.raises(SettingsInvalid) as refused:
        Settings.load()

    assert "s3cret" not in str(refused.value) + str(refused.value.details()) + str(refused.value.__cause__)
    assert refused.value.key == "DELEGATOR_ALERTS__WEBHOOK"
    assert "is not a web address" in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example.com/a/b/", "http://me:pw@h:80/x?token=s3cret&wait=1", "https://h?a", "http://[::1]:9/"],
)
def test_the_address_of_a_webhook_is_taken_as_it_is_and_not_shown(monkeypatch, url):
    monkeypatch.setenv("DELEGATOR_ALERTS__WEBHOOK", url)

    settings = Settings.load()

    assert settings.alerts.webhook == url
    assert url not in repr(settings) + str(settings)


@pytest.mark.parametrize("url", ["postgresql://h/db", "postgres://me@h:5432/db", "postgresql+psycopg:///db?host=/run"])
def test_every_way_to_write_a_postgresql_address_is_taken(url):
    assert Settings.load(database_url=url).database_url == url


def test_a_long_value_is_told_in_short():
    assert len(refusal(models="x" * 10_000)[1]) < 100


def test_every_setting_is_told_in_plain_words_when_it_is_wrong():
    """No jargon: neither pydantic's nor Python's."""
    for name in Settings.model_fields:
        with pytest.raises(SettingsInvalid) as refused:
            Settings.load(**{name: object()})

        told = f"{refused.value} {refused.value.advice}".replace(refused.value.value, "")
        for jargon in (
            "Input should",
            "valid",
            "pydantic",
            "NoneType",
            "PosixPath",
            "ComplexityLimit(",
            "Error",
            "=None",
        ):
            assert jargon not in told, (name, told)


# ── the object ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        Settings.load().port = 1  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize(
    "options", [{}, {"memory": "64GB", "database_url": "postgresql://me:pw@h/db", "home": "/x", "keep_alive_s": 1.5}]
)
def test_settings_survive_the_way_to_another_process(monkeypatch, options):
    settings = Settings.load(**options)
    as_json = json.loads(json.dumps(settings.model_dump(mode="json")))
    pickled = pickle.dumps(settings)
    monkeypatch.setenv("DELEGATOR_PORT", "1234")  # another process has another environment

    assert pickle.loads(pickled) == settings
    assert Settings.model_validate(as_json) == settings


def test_every_setting_says_what_it_is():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


# ── sizes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64GB", 64 * GB),
        ("64 gb", 64 * GB),
        (" 1.5G ", 1_500_000_000),
        ("24GiB", 24 * 2**30),
        ("512 MiB", 512 * 2**20),
        ("10kB", 10_000),
        ("2tb", 2 * 10**12),
        ("1000000", 10**6),
        ("7b", 7),
    ],
)
def test_a_size_is_read_as_bytes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1,5GB", "64 parsecs", "1e9", "0x10", "٣GB", "9" * 400, "1GB1"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


def test_what_is_no_text_is_passed_on():
    assert [parse_size(value) for value in (5, 1.5, None)] == [5, 1.5, None]


@given(st.integers(min_value=0, max_value=10**10))
def test_a_size_that_was_written_for_people_can_be_read_again(size):
    assert parse_size(format_size(size)) == size


# ── the ladder ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_ladder_is_written_with_commas_or_as_a_list(write_file, monkeypatch):
    write_file('degradation = ["merge", "refuse"]')
    assert Settings.load().degradation == (Rung.MERGE, Rung.REFUSE)

    monkeypatch.setenv("DELEGATOR_DEGRADATION", "smaller, wait")
    assert Settings.load().degradation == (Rung.SMALLER, Rung.WAIT)


def test_by_default_no_roles_model_is_changed_before_turns_are_taken_and_the_idle_have_left():
    assert Settings().degradation == (Rung.WAIT, Rung.EVICT_IDLE, Rung.SMALLER, Rung.MERGE, Rung.REFUSE)


def test_an_unknown_rung_is_told_with_those_there_are(monkeypatch):
    monkeypatch.setenv("DELEGATOR_DEGRADATION", "wait,hope")

    with pytest.raises(SettingsInvalid) as caught:
        Settings.load()

    assert caught.value.problem == "is not one of wait, evict_idle, smaller, merge, refuse"


# ── a second opinion ──────────────────────────────────────────────────────────────────────────────────────────────


def test_no_model_is_asked_for_an_opinion_unless_it_is_set():
    assert Settings.load().analysis.second_opinion == "off"


@pytest.mark.parametrize(
    ("given", "meant"),
    [("off", "off"), ("Resident", "resident"), (" llama3.2:3b ", "llama3.2:3b"), ("hf.co/a/B-GGUF:Q4_K_M",) * 2],
)
def test_a_second_opinion_is_off_resident_or_a_models(monkeypatch, given, meant):
    monkeypatch.setenv("DELEGATOR_ANALYSIS__SECOND_OPINION", given)

    assert Settings.load().analysis.second_opinion == meant


@pytest.mark.parametrize("given", ["two words", "-x", "llama 3", "gpt-oss:120b-cloud", "some:cloud"])
def test_a_second_opinion_of_nobody_on_this_machine_is_refused(given):
    assert "second_opinion" in refusal(analysis={"second_opinion": given})[0]


def test_a_second_opinion_leaves_a_call_time_to_answer():
    assert "second_opinion_s" in refusal(analysis={"second_opinion_s": 11})[0]

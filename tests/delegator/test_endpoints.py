"""Endpoints by the settings: their ids and their shares of memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from delegator.endpoints import Endpoint, endpoints_of, shared_memory
from delegator.errors import SettingsInvalid
from delegator.settings import GB, Settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_only_endpoint_is_called_ollama() -> None:
    assert endpoints_of(Settings.load()) == (Endpoint("ollama", "http://127.0.0.1:11434"),)


def test_several_addresses_are_several_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELEGATOR_OLLAMA_URL", "http://127.0.0.1:11434/, http://gpu:11434")

    assert endpoints_of(Settings.load()) == (
        Endpoint("ollama", "http://127.0.0.1:11434"),
        Endpoint("ollama-2", "http://gpu:11434"),
    )


def test_the_file_may_list_addresses() -> None:
    Path("delegator.toml").write_text('ollama_url = ["http://one:1", "http://two:2"]')

    assert [e.url for e in endpoints_of(Settings.load())] == ["http://one:1", "http://two:2"]


def test_tables_say_more_than_addresses_and_take_their_place() -> None:
    Path("delegator.toml").write_text(
        'ollama_url = "http://unused:1"\n'
        '[[endpoints]]\nurl = "http://127.0.0.1:11434"\nmemory = "24GB"\n'
        '[[endpoints]]\nurl = "http://gpu:11434/"\nnode = "gpu"\nname = "ollama"\n'
        '[[endpoints]]\nurl = "http://other:11434"\n'
    )

    assert endpoints_of(Settings.load()) == (
        Endpoint("ollama-2", "http://127.0.0.1:11434", 24 * GB),
        Endpoint("ollama", "http://gpu:11434", None, "gpu"),
        Endpoint("ollama-3", "http://other:11434"),
    )


@pytest.mark.parametrize(
    ("text", "key", "problem", "advice"),
    [
        ('ollama_url = ["http://a:1", "b"]', "ollama_url", "is not a web address", "The Ollama endpoint"),
        ('ollama_url = "http://a:1,http://a:1/"', "ollama_url", "names one endpoint twice", "The Ollama endpoint"),
        ("endpoints = 1", "endpoints", "is not a list", "Tables [[endpoints]]"),
        ('[[endpoints]]\nmemory = "1GB"', "endpoints.0.url", "is missing", "Where this Ollama answers."),
        (
            '[[endpoints]]\nurl = "http://a:1"\nmemry = "1GB"',
            "endpoints.0.memry",
            "is not a setting",
            "Did you mean endpoints.0.memory?",
        ),
        (
            '[[endpoints]]\nurl = "http://a:1"\n[[endpoints]]\nurl = "http://a:1"',
            "endpoints",
            "has two endpoints of one url",
            "Tables [[endpoints]]",
        ),
    ],
)
def test_what_is_wrong_with_endpoints_is_told_by_its_key(text: str, key: str, problem: str, advice: str) -> None:
    Path("delegator.toml").write_text(text)

    with pytest.raises(SettingsInvalid) as refused:
        Settings.load()

    assert refused.value.key.removesuffix(" in delegator.toml") == key
    assert refused.value.problem == problem
    assert refused.value.expected.startswith(advice)


def test_endpoints_in_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELEGATOR_ENDPOINTS", '[{"url": "http://a:1", "memory": "8GB"}]')
    assert endpoints_of(Settings.load()) == (Endpoint("ollama", "http://a:1", 8 * GB),)

    monkeypatch.setenv("DELEGATOR_ENDPOINTS", "http://a:1")
    with pytest.raises(SettingsInvalid, match="is not JSON") as refused:
        Settings.load()
    assert "[[endpoints]]" in refused.value.expected


def test_endpoints_on_one_machine_share_what_was_not_given_to_one_of_them() -> None:
    one, two, three = (Endpoint(name, f"http://{name}:1") for name in ("one", "two", "three"))
    given = Endpoint("three", three.url, 10 * GB)

    assert shared_memory([one], 64 * GB) == {"one": 64 * GB}
    assert shared_memory([one, two], 64 * GB) == {"one": 32 * GB, "two": 32 * GB}
    assert shared_memory([one, two, given], 64 * GB) == {"one": 27 * GB, "two": 27 * GB, "three": 10 * GB}
    assert shared_memory([one, given], 5 * GB) == {"one": 1, "three": 10 * GB}


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://127.8.8.8:1", True),
        ("http://gpu:1", False),
        ("http://10.0.0.1:1", False),
    ],
)
def test_an_address_tells_whether_it_is_of_this_machine(url: str, local: bool) -> None:
    assert Endpoint("o", url).local is local

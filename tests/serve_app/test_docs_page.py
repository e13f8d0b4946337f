"""The page at /docs, as a browser and a person who copies from it meet it."""

from __future__ import annotations

import json
import re
import shlex
from html import unescape

import httpx
import pytest

from serve_app.operations import Operation, on_face
from tests.serve_app.samples import CannedBackend, example_request


@pytest.fixture
def page(address: str) -> str:
    answer = httpx.get(f"{address}/docs", trust_env=False)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def test_it_loads_nothing_from_anywhere(page: str):
    assert re.findall(r"(?:src|href)=\"([^\"]*)", page) == ["/openapi.json"]
    assert "<script" not in page
    assert "@import" not in page


@pytest.mark.parametrize("operation", on_face("http"), ids=lambda operation: operation.name)
def test_its_requests_do_what_they_show(page: str, address: str, backend: CannedBackend, operation: Operation):
    section = page.split(f'<section id="{operation.name}">')[1].split("</section>", maxsplit=1)[0]
    command = shlex.split(unescape(re.search("<pre>(.*)</pre>", section, re.DOTALL)[1]))  # type: ignore[index]
    body = json.loads(command[command.index("-d") + 1]) if "-d" in command else None

    answer = httpx.request(command[2], command[3], json=body, trust_env=False)

    assert answer.is_success
    assert command[3].startswith(address)
    assert backend.asked == [(operation.name, example_request(operation))]

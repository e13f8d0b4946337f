"""The views inside a chat, in a client made of one page: a sandboxed frame under the strictest policy clients apply."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from delegator import schemas as s
from serve_app import apps
from serve_app.operations import BY_NAME
from tests.browser.scene import Scene
from tests.serve_app.samples import REPLIES

pytestmark = pytest.mark.browser

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'none'; "
    "base-uri 'self'; object-src 'none'"
)
"""What a client must apply to a view that declares no address."""

CLIENT = """
<!doctype html><html lang="en"><head><title>A client</title></head><body><script>
addEventListener("message", async ({ source, data }) => {
  const frame = document.querySelector("iframe");
  if (source !== frame.contentWindow) return;
  const send = (message) => source.postMessage({ jsonrpc: "2.0", ...message }, "*");
  window.heard.push(data.method);
  if (data.method === "ui/initialize")
    send({ id: data.id, result: {
      protocolVersion: "2026-01-26", hostInfo: { name: "client", version: "1" }, hostCapabilities: window.can,
      hostContext: { theme: "dark" } } });
  if (data.method === "ui/notifications/initialized") {
    send({ method: "ui/notifications/tool-input", params: { arguments: window.opened.args } });
    send({ method: "ui/notifications/tool-result", params: window.opened.result });
  }
  if (data.method === "tools/call")
    send({ id: data.id, result: JSON.parse(await window.callTool(data.params.name, data.params.arguments)) });
});
</script></body></html>
"""


def on_samples(scene: Scene) -> None:
    """Let a session be told as the samples tell it, whatever the scene has open."""
    scene.answers |= {name: REPLIES[name] for name in ("get_session", "get_task", "get_receipt")}


def opened(page: Page, scene: Scene, uri: str, tool: str, args: dict[str, Any], *, calls: bool = True) -> FrameLocator:
    """Show a view as a client does that has just called `tool`."""

    def call_tool(name: str, arguments: dict[str, Any]) -> str:
        operation = BY_NAME[name]
        answer = scene.answers.get(name) or REPLIES[name]
        reply = answer(operation.request.model_validate(arguments)) if callable(answer) else answer
        text = reply.model_dump_json(by_alias=True)
        return json.dumps({"content": [{"type": "text", "text": text}], "structuredContent": json.loads(text)})

    page.expose_function("callTool", call_tool)
    page.set_content(CLIENT)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    page.evaluate(
        """([html, can, opened]) => {
          Object.assign(window, { can, opened, heard: [] });
          const frame = document.createElement("iframe");
          frame.title = "view";
          frame.sandbox = "allow-scripts";
          frame.style = "width: 640px; height: 560px";
          frame.srcdoc = html;
          document.body.append(frame);
        }""",
        [
            apps.document(uri).replace("<head>", f"<head>\n{policy}", 1),
            {"serverTools": {}} if calls else {},
            {"args": args, "result": json.loads(call_tool(tool, args)) if tool != "session_status" else {}},
        ],
    )
    return page.frame_locator("iframe")


def test_now_shows_who_is_at_work_and_follows(page: Page, scene: Scene) -> None:
    scene.open_session(0, running_s=75)
    view = opened(page, scene, apps.NOW.uri, "session_status", {})

    expect(view.get_by_text("Add user authentication feature")).to_be_visible()
    expect(view.get_by_text("product manager")).to_be_visible()
    expect(view.get_by_role("img", name="GB of 64.0 GB in use")).to_be_visible()
    assert "ui/notifications/size-changed" in page.evaluate("window.heard")

    scene.end_all()
    expect(view.get_by_text("Nobody is at work")).to_be_visible()


def test_a_hostile_task_stays_text(page: Page, scene: Scene) -> None:
    text = "<img src=x onerror=\"parent.postMessage('broken','*')\"> <b>bold</b>"
    scene.open_session(0, running_s=75, text=text)

    view = opened(page, scene, apps.NOW.uri, "session_status", {})

    expect(view.get_by_text(text)).to_be_visible()
    expect(view.locator("img")).to_have_count(0)


def test_a_session_shows_its_team_its_words_and_what_it_saved(page: Page, scene: Scene) -> None:
    on_samples(scene)
    session = REPLIES["get_session"]
    assert isinstance(session, s.SessionView)
    view = opened(page, scene, apps.SESSION.uri, "create_session", {"task_description": session.task_description})

    expect(view.get_by_text(session.task_description)).to_be_visible()
    expect(view.get_by_text("senior developer").first).to_be_visible()


def test_an_error_of_the_tool_is_told_in_words(page: Page, scene: Scene) -> None:
    on_samples(scene)
    view = opened(page, scene, apps.SESSION.uri, "get_session", {}, calls=False)

    expect(view.get_by_text("does not let views look further")).to_be_visible()

"""A client made of one page that shows a view of a chat: in a sandboxed frame, under the strictest policy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import FrameLocator, Page

from delegator import schemas as s
from delegator.errors import DelegatorError
from serve_app import apps, faults
from serve_app.operations import BY_NAME
from tests.browser.scene import Scene
from tests.serve_app.samples import REPLIES

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'none'; "
    "base-uri 'self'; object-src 'none'"
)
"""What a client must apply to a view that declares no address."""

QUICK_MS = 50
"""How often a view looks again here."""

CLIENT = """
<!doctype html><html lang="en"><head><title>A client</title></head><body><script>
addEventListener("message", async ({ source, data }) => {
  const frame = document.querySelector("iframe");
  if (source !== frame.contentWindow) return;
  const send = (message) => source.postMessage({ jsonrpc: "2.0", ...message }, "*");
  window.tell = (method, params) => send({ method, params });
  window.heard.push(data.method);
  if (data.method === "ui/initialize")
    send({ id: data.id, result: {
      protocolVersion: "2026-01-26", hostInfo: { name: "client", version: "1" }, hostCapabilities: window.can,
      hostContext: { theme: "dark" } } });
  if (data.method === "ui/notifications/initialized") {
    tell("ui/notifications/tool-input", { arguments: window.opened.args });
    tell("ui/notifications/tool-result", window.opened.result);
  }
  if (data.method === "ui/notifications/size-changed") {
    window.sizes.push(data.params);
    frame.style.height = `${data.params.height}px`;
  }
  if (data.method === "tools/call")
    send({ id: data.id, result: JSON.parse(await window.callTool(data.params.name, data.params.arguments)) });
});
</script></body></html>
"""


@dataclass(frozen=True)
class Chat:
    """A view that is shown, and the client that shows it."""

    page: Page
    view: FrameLocator

    def tell(self, method: str, params: dict[str, Any]) -> None:
        """Notify the view."""
        self.page.evaluate("([method, params]) => tell(method, params)", [method, params])

    def calls(self) -> int:
        """How often the view has called a tool."""
        return int(self.page.evaluate("heard.filter((method) => method === 'tools/call').length"))

    def wait_for_calls(self, more: int) -> None:
        """Wait until the view has called tools `more` times from now on."""
        enough = "(whole) => heard.filter((method) => method === 'tools/call').length >= whole"
        self.page.wait_for_function(enough, arg=self.calls() + more)

    def size(self) -> dict[str, int]:
        """What the view last said of its size."""
        told: dict[str, int] = self.page.evaluate("sizes.at(-1)")
        return told


def on_samples(scene: Scene) -> None:
    """Let a session be told as the samples tell it, whatever the scene has open."""
    scene.answers |= {name: REPLIES[name] for name in ("get_session", "get_task", "get_receipt")}


def answer_of(scene: Scene, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what a tool answers, as MCP has it."""
    reads = scene.answers | {"session_status": lambda _: _status(scene)}
    answer = reads.get(name) or REPLIES[name]
    try:
        reply = answer(BY_NAME[name].request.model_validate(arguments)) if callable(answer) else answer
    except DelegatorError as exc:
        body = s.ErrorReply(error=faults.body_of(exc))
        return {"content": [{"type": "text", "text": body.model_dump_json()}], "isError": True}
    text = reply.model_dump_json(by_alias=True)
    return {"content": [{"type": "text", "text": text}], "structuredContent": json.loads(text)}


def _status(scene: Scene) -> s.SessionStatusReply:
    resources = scene.answers["resource_summary"](s.NoInput())
    return s.SessionStatusReply(sessions=scene.sessions, agents=scene.agents, resources=resources)


def chat_with(
    page: Page,
    scene: Scene,
    uri: str,
    tool: str,
    args: dict[str, Any],
    *,
    calls: bool = True,
    result: dict[str, Any] | None = None,
) -> Chat:
    """Show a view as a client does that has just called `tool`.

    Args:
        calls: whether the client lets views call tools.
        result: what the tool has answered, where the scene is not to say it.
    """
    page.expose_function("callTool", lambda name, arguments: json.dumps(answer_of(scene, name, arguments)))
    page.set_content(CLIENT)
    page.evaluate(
        """([html, facts]) => {
          Object.assign(window, facts, { heard: [], sizes: [] });
          const frame = document.createElement("iframe");
          frame.title = "view";
          frame.sandbox = "allow-scripts";
          frame.style = "width: 640px; height: 560px";
          frame.srcdoc = html;
          document.body.append(frame);
        }""",
        [
            _document(uri),
            {
                "can": {"serverTools": {}} if calls else {},
                "opened": {"args": args, "result": answer_of(scene, tool, args) if result is None else result},
            },
        ],
    )
    return Chat(page, page.frame_locator("iframe"))


def opened(page: Page, scene: Scene, uri: str, tool: str, args: dict[str, Any]) -> FrameLocator:
    """Show a view as `chat_with` does; return the view alone."""
    return chat_with(page, scene, uri, tool, args).view


def _document(uri: str) -> str:
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    usual, quick = "LOOK_EVERY_MS = 3000;", f"LOOK_EVERY_MS = {QUICK_MS};"
    html = apps.document(uri)
    assert usual in html
    return html.replace("<head>", f"<head>\n{policy}", 1).replace(usual, quick)

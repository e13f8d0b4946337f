"""The page at /docs: every operation with its route, its fields and a request to copy, made from the table.

Owns its look. It loads nothing from anywhere: FastAPI's own page would fetch its scripts from a public server, which a
machine without the internet cannot reach and one with it need not tell.
"""

from __future__ import annotations

import json
import shlex
from html import escape
from urllib.parse import urlencode

from serve_app.http_words import ABOUT
from serve_app.json_schema import self_contained
from serve_app.operations import CURRENT, Operation, on_face
from serve_app.version import VERSION

_STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: .875rem/1.5 ui-monospace, monospace }
pre { padding: .75rem; border: 1px solid #8886; border-radius: .5rem; overflow-x: auto }
section { border-top: 1px solid #8886; margin-top: 2rem }
th, td { text-align: left; vertical-align: top; padding: .125rem 1rem .125rem 0; font-weight: normal }
"""


def docs_page(address: str) -> str:
    """Return the page as HTML.

    Args:
        address: where a caller reaches this server, for the requests to copy.
    """
    operations = on_face("http")
    sections = "".join(_section(operation, address.rstrip("/")) for operation in operations)
    about = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in ABOUT.split("\n\n"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Delegator: operations</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>Delegator {escape(VERSION)}</h1>{about}"
        f'<p>For programs: <a href="/openapi.json">OpenAPI</a>.</p>{sections}</body></html>'
    )


def _section(operation: Operation, address: str) -> str:
    schema = self_contained(operation.request, mode="validation")
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><th><code>{escape(name)}</code></th><td>{'required' if name in required else ''}</td>"
        f"<td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in schema["properties"].items()
    )
    return (
        f'<section id="{operation.name}"><h2>{escape(operation.title)}</h2>'
        f"<p><code>{operation.method} {escape(operation.path)}</code></p>"
        f"<p>{escape(operation.description)}</p><table>{rows}</table>"
        f"<pre>{escape(_curl(operation, address))}</pre></section>"
    )


def _curl(operation: Operation, address: str) -> str:
    """Return a command line that does the operation's example."""
    values = dict(operation.example)
    path = operation.path.format(**{name: values.pop(name, CURRENT) for name in operation.path_fields})
    if operation.method != "POST":
        words = {name: ",".join(value) if isinstance(value, list) else value for name, value in values.items()}
        query = f"?{urlencode(words)}" if words else ""
        return f"curl -X {operation.method} {shlex.quote(address + path + query)}"
    body = f" \\\n  -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(values))}" if values else ""
    return f"curl -X POST {shlex.quote(address + path)}{body}"

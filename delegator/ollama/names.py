"""How Ollama names models: without a tag means `:latest`, and upper and lower case are the same."""

from __future__ import annotations


def normalise(name: str) -> str:
    """Return the name as `/api/tags` and `/api/ps` show it: lower case, with its tag (`Mistral` -> `mistral:latest`).

    Compare only normalised names: replies echo the name as it was sent.
    """
    name = name.strip().lower()
    last = name.rsplit("/", 1)[-1]
    return name if ":" in last else f"{name}:latest"


def is_remote(name: str) -> bool:
    """Tell whether the name stands for a model that runs elsewhere and takes no memory here (`:cloud`, `-cloud`)."""
    tag = normalise(name).rsplit(":", 1)[-1]
    return tag == "cloud" or tag.endswith("-cloud")

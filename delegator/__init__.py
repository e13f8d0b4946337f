"""The domain of Delegator: roles, analysis, residency, sessions, store, Ollama client."""

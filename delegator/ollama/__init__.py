"""The guarded way to an Ollama host, and beside it (`simulator/`, a program of its own) a host that only plays one."""

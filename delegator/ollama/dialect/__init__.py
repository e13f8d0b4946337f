"""How a host that is not Ollama reads Ollama's requests and words its answers.

Shared by the two stand-ins (`simulator/`, `engine/`), so that both are held to one reading of the interface. Owns what
is said on the wire; which model is in memory and who speaks is each stand-in's own. The client does not use it.
"""

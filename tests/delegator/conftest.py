"""How the tests of the domain run: hypothesis takes the time it needs, since a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

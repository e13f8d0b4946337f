"""Roles: what an agent is for, and the catalogues that name them.

Owns the words `Role`, `Model` and `Catalogue`, the shipped catalogues and the briefs. Which roles a task needs is
decided in `delegator/analysis`, what is in memory in `delegator/residency`.
"""

from delegator.roles.catalogue import Catalogue, Model, Role, load_catalogue

__all__ = ["Catalogue", "Model", "Role", "load_catalogue"]

"""Tells in the public vocabulary how a catalogue, and each shipped one beside it, fits a machine."""

from __future__ import annotations

from collections.abc import Sequence

from delegator.residency.fit import CatalogueFit, Knowledge, Machine, RoleFit, fit_catalogue, suggest
from delegator.roles.catalogue import Catalogue, load_catalogue
from delegator.roles.files import SHIPPED
from delegator.schemas import CatalogueFitInfo, MachineFit, RoleFitInfo

_GB = 1_000_000_000


def machine_fit(
    catalogue: Catalogue, machine: Machine, *, known: Knowledge, teams: Sequence[Sequence[str]], endpoint: str | None
) -> MachineFit:
    """Fit a catalogue to a machine, and say which catalogue would fit it best.

    Args:
        catalogue: the one in question; it is suggested too where no shipped one fits better.
        machine: what bounds models there.
        known: measured sizes, and what cannot be loaded there.
        teams: the usual teams, by role.
        endpoint: name of the machine; None where it is only tried.
    """
    shipped = [load_catalogue(name) for name in SHIPPED if name != catalogue.name]
    fit = fit_catalogue(catalogue, machine, known=known, teams=teams, others=[catalogue, *shipped])
    fits = [fit, *(fit_catalogue(other, machine, known=known, teams=teams) for other in shipped)]
    best = suggest(fits)
    return MachineFit(
        endpoint=endpoint,
        capacity_gb=machine.capacity_bytes / _GB,
        catalogue=catalogue.name,
        roles=[_role(role) for role in fit.roles],
        together=list(fit.together),
        together_gb=fit.together_bytes / _GB,
        all_roles_gb=fit.all_bytes / _GB,
        catalogues=[_catalogue(each) for each in fits],
        suggested=best.catalogue if best else None,
    )


def _role(role: RoleFit) -> RoleFitInfo:
    return RoleFitInfo(
        role=role.role,
        model=role.wanted,
        uses=role.uses,
        memory_gb=role.size_bytes / _GB,
        verdict=role.verdict,
        why=role.why,
        alternative=role.alternative,
    )


def _catalogue(fit: CatalogueFit) -> CatalogueFitInfo:
    return CatalogueFitInfo(
        catalogue=fit.catalogue,
        roles_usable=sum(role.uses is not None for role in fit.roles),
        roles_together=len(fit.together),
        teams_together=fit.teams_together,
        teams=fit.teams,
        all_roles_gb=fit.all_bytes / _GB,
    )

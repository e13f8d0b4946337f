"""The load of machines in words."""

from __future__ import annotations

import pytest

from delegator import schemas as s
from serve_app.machine_words import busiest, graphics, processors
from tests.serve_app.samples import REPLIES

ONE = s.MachineLoad(node="n1", processors=8, processor_ratio=0.374)
IDLE = s.MachineLoad(node="n2", processors=1, processor_ratio=0.0)
NEW = s.MachineLoad(node="n3", processors=4, processor_ratio=None)


@pytest.mark.parametrize(
    ("machines", "most", "said"),
    [
        ([], None, "not measured"),
        ([NEW], None, "not measured of 4 processors"),
        ([ONE], 0.374, "37 % of 8 processors"),
        ([IDLE, ONE, NEW], 0.374, "n2 0 % of 1 processor; n1 37 % of 8 processors; n3 not measured of 4 processors"),
    ],
)
def test_processors(machines, most, said):
    assert (busiest(machines), processors(machines)) == (most, said)


TELLS = ONE.model_copy(update={"gpus": 1, "gpu_ratio": 0.9, "gpu_used_gb": 6.0, "gpu_memory_gb": 24.0})
SILENT = ONE.model_copy(update={"gpus": 1, "gpu_memory_gb": 24.0})


@pytest.mark.parametrize(
    ("machines", "held_gb", "said"),
    [
        ([ONE], 0, ""),
        ([ONE], 8.06, "8.1 GB of models, utilisation not measured"),
        ([TELLS], 8, "90 % busy, 6.0 GB of 24.0 GB"),
        ([SILENT], 8, "utilisation not measured, 24.0 GB"),
        ([TELLS, IDLE], 8, "n1 90 % busy, 6.0 GB of 24.0 GB"),
    ],
)
def test_graphics_processors(machines, held_gb, said):
    reply = REPLIES["resource_summary"]
    assert isinstance(reply, s.ResourceSummaryReply)
    model = reply.models[0].model_copy(update={"gpu_gb": held_gb})

    assert graphics(reply.model_copy(update={"machines": machines, "models": [model]})) == said

"""Each machine is shown once, with what its hosts measured."""

from __future__ import annotations

from actors.gpus import Gpu
from actors.host_messages import HostView
from actors.machine_meter import MachineView
from actors.machine_views import machine_loads
from delegator.residency.planner import Snapshot
from delegator.schemas import MachineLoad
from delegator.settings import GB
from tests.actors.manager_on_fakes import ManagerOnFakes


def view(machine: MachineView | None) -> HostView:
    return HostView("e", "http://e", Snapshot(GB, ()), (), 0, (), None, machine=machine)


def test_hosts_on_one_machine_show_it_once() -> None:
    gpus = (Gpu(24 * GB, 6 * GB, 0.5), Gpu(8 * GB, 2 * GB, 0.1))
    south, north = MachineView("south", 4, 0.25), MachineView("north", 8, None, gpus)

    assert machine_loads([view(south), view(north), view(south), view(None)]) == [
        MachineLoad(
            node="north", processors=8, processor_ratio=None, gpus=2, gpu_ratio=0.3, gpu_used_gb=8, gpu_memory_gb=32
        ),
        MachineLoad(node="south", processors=4, processor_ratio=0.25),
    ]


def test_a_driver_that_does_not_tell_is_not_taken_for_an_idle_processor() -> None:
    (load,) = machine_loads([view(MachineView("n", 4, 0.25, (Gpu(24 * GB),)))])

    assert (load.gpus, load.gpu_ratio, load.gpu_used_gb, load.gpu_memory_gb) == (1, None, None, 24)


async def test_the_summary_tells_the_load_that_hosts_measured() -> None:
    manager = ManagerOnFakes()
    manager.host.machine = MachineView("n1", 4, 0.75)

    shown = await manager._queries.resources()

    assert [(load.node, load.processors, load.processor_ratio) for load in shown.machines] == [("n1", 4, 0.75)]
    assert shown.cpu_load == "idle"

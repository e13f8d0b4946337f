"""A workload on a machine that does not exist: who would wait how long, and what would be in memory.

Drives the very dispatcher that runs in production (`delegator/residency/dispatcher.py`) on a made-up clock, beside
policies to compare it with. For `delegator simulate` and `bench/residency.py`. A trace in roles (`trace.py`) is cast
with models (`casting.py`), becomes a workload (`workload.py`), is run (`world.py`, `policies.py`) and told
(`report.py`).
"""

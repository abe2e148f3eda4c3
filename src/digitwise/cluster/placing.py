"""Where on a cluster something runs."""

from __future__ import annotations

from typing import Any

from digitwise.errors import ClusterError


def pinned(ray: Any, kind: type) -> Any:
    """A class as an actor that takes no core and stays on this machine, so that no other one's loss ends it."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(kind).options(num_cpus=0, scheduling_strategy=here)


def check_room(ray: Any, threads: int) -> None:
    """Make sure that some machine has so many cores; Ray would wait for one for ever.

    Raises
    ------
    ClusterError
        If none has.
    """
    most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if most < threads:
        raise ClusterError(
            f"--threads: expected at most {most:g} for the largest machine of the cluster, got {threads}"
        )

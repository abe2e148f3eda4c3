"""Where trainings run, as ``--cluster``, ``--jobs`` and ``--threads`` say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from digitwise.training.pool import Pool


def check_pool(cluster: str | None, jobs: int | None) -> None:
    """Refuse options that do not go together, before anything is read.

    Raises
    ------
    typer.BadParameter
        If both are there.
    MissingPartError
        If Ray is asked for and not installed.
    """
    if cluster is None:
        return
    if jobs is not None:
        raise typer.BadParameter("expected --cluster or --jobs, got both: Ray runs as many as there are cores for")
    from digitwise.cluster.connect import library

    library()


@contextmanager
def pool_for(cluster: str | None, jobs: int | None, threads: int | None) -> Iterator[Pool]:
    """The pool that the options ask for: this process, without any of them."""
    from digitwise.system import cores

    check_pool(cluster, jobs)
    if cluster is not None:
        from digitwise.cluster.connect import connected
        from digitwise.cluster.pool import RayPool

        with connected(cluster) as ray:
            yield RayPool(ray, threads or 1)
    elif jobs is not None or threads is not None:
        from digitwise.training.pool import Processes

        yield Processes(jobs or 1, threads or max(1, cores() // (jobs or 1)))
    else:
        from digitwise.training.pool import Here

        yield Here()

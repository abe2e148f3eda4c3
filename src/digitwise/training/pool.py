"""Where several trainings run: here one after another, in processes side by side, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from digitwise.training.watch import Watch

# What all tasks share, a task, and who is told about it, to what comes of it. A function of a module, so that it can
# be sent to other processes; so can what it takes and gives.
Function = Callable[[Any, Any, Watch], Any]


class Pool(Protocol):
    """Runs trainings that do not depend on each other."""

    shares_disk: bool
    """Whether a task may write where this process can read it."""

    def run(
        self,
        function: Function,
        shared: Any,
        tasks: Iterable[Any],
        names: Iterable[str],
        watch: Watch,
        *,
        lost: Any = None,
    ) -> Iterator[tuple[int, Any]]:
        """Run the tasks.

        Parameters
        ----------
        function : callable
        shared : object
            Sent once, however many tasks there are.
        tasks : iterable
            Drawn from as places get free, after what came of earlier tasks was yielded; so one may depend on that.
        names : iterable of str
            What to call each task; drawn from after ``tasks``, in step.
        watch : Watch
            Asked for one of each task, by :meth:`~digitwise.training.watch.Watch.on_task`.
        lost : object, optional
            What comes of a task that ends its process, or fails by surprise, each time that it is tried elsewhere;
            by default an error is raised.

        Yields
        ------
        (int, object)
            The number of a task, from 0, in the order drawn, and what came of it, in the order in which they are done.

        Raises
        ------
        DigitwiseError
            What a task raised; those that have not begun do not begin any more.
        """


class Here:
    """One after another in this process."""

    shares_disk = True

    def run(
        self,
        function: Function,
        shared: Any,
        tasks: Iterable[Any],
        names: Iterable[str],
        watch: Watch,
        *,
        lost: Any = None,
    ) -> Iterator[tuple[int, Any]]:
        """See :class:`Pool`; what fails by surprise is raised as it is."""
        for number, (task, name) in enumerate(zip(tasks, names, strict=True)):
            yield number, function(shared, task, watch.on_task(name))

"""The options of a training, and the precision it computes in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from digitwise.errors import RecipeError
from digitwise.system import cpu_flags
from digitwise.training.devices import choose

Precision = Literal["float32", "bfloat16"]

# Without these instructions bfloat16 is emulated and several times slower than float32.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


@dataclass(frozen=True)
class FitOptions:
    """The options of a training, beside its recipe and its images.

    Creating them without a precision imports Keras, to look for an accelerator.

    Parameters
    ----------
    seed : int
        Decides initial weights, order, augmentation, dropout and made scans. No two ensembles share a member's seed.
    budget : float, optional
        Length of the training in seconds (``fit_seconds``): the schedule is stretched or shrunk to end then, and the
        recipe's number of epochs does not count. The members of an ensemble get equal shares; where these would be too
        short, fewer members are trained, or all of the first kind. Making scans comes before and takes its own time.
    precision : {"float32", "bfloat16"}, optional
        By default what the processor is fast at, see :func:`best_precision`.
    deterministic : bool
        The same seed gives the same weights, bit for bit, on the same machine. Holds for the whole process from the
        first such training on.
    start_from : str or Path, optional
        Trained network whose weights the training starts from, see :func:`digitwise.training.saving.start_from`, at a
        share of the recipe's learning rate.

    Raises
    ------
    RecipeError
        If there is no such precision, or a budget is combined with ``deterministic``: the number of steps in a budget
        depends on the clock.
    """

    seed: int = 0
    budget: float | None = None
    precision: Precision | None = None
    deterministic: bool = False
    start_from: str | Path | None = None

    def __post_init__(self) -> None:
        if self.deterministic and self.budget is not None:
            told = "deterministic: expected no budget with it, whose steps depend on the clock; give epochs"
            raise RecipeError(told, argument="deterministic", expected="no budget", got=self.budget)
        if self.precision is None:
            from digitwise.training.backend import on_accelerator

            object.__setattr__(self, "precision", best_precision(accelerator=on_accelerator()))
        elif self.precision not in get_args(Precision):
            raise RecipeError.wanted(
                "precision", " or ".join(get_args(Precision)), f"{self.precision!r}", argument="precision"
            )

    @property
    def dtype_policy(self) -> str:
        """The Keras dtype policy for the precision; weights stay float32 in either."""
        return "mixed_bfloat16" if self.precision == "bfloat16" else "float32"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as run.json has them."""
        return vars(self) | {"start_from": self.start_from and str(self.start_from)}


def best_precision(*, accelerator: bool = False) -> Precision:
    """Return bfloat16 on an accelerator and where the CPU computes with it, else float32.

    JAX does not use those instructions of a CPU.
    """
    fast_cpu = BFLOAT16_FLAGS & cpu_flags() and choose().backend != "jax"
    return "bfloat16" if accelerator or fast_cpu else "float32"

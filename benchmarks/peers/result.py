"""What a peer gives back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One training of a peer, judged once on the test pictures.

    Parameters
    ----------
    errors : int
        Of the test pictures.
    fit_seconds : float
        From building the model to the last step.
    compile_seconds : float
        The part of ``fit_seconds`` that went into tracing and compiling, where it can be told apart.
    evaluate_seconds : float
        Asking the model about the test pictures.
    """

    errors: int
    fit_seconds: float
    evaluate_seconds: float
    compile_seconds: float = 0.0

"""What a peer gives back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One training of a peer, judged once on the test images.

    Parameters
    ----------
    errors : int
        Of the test images.
    fit_seconds : float
        From building the model to the last step; ours with every validation.
    evaluate_seconds : float
        Asking the model about the test images; ours also about the validation images.
    compile_seconds : float
        The part of ``fit_seconds`` that went into tracing and compiling, where it can be told apart.
    validation_errors : int, optional
        Of the validation images, where the contender splits some off.
    backend : str
        Keras', where the contender is made with it.
    precision : {"float32", "bfloat16"}
        What the layers compute in.
    """

    errors: int
    fit_seconds: float
    evaluate_seconds: float
    compile_seconds: float = 0.0
    validation_errors: int | None = None
    backend: str = ""
    precision: str = "float32"

"""One trial of a sweep: a training and how many validation pictures it gets wrong; there is no test set here."""

from __future__ import annotations

from dataclasses import dataclass

from digitwise.errors import DataError
from digitwise.evaluation.calibration import negative_log_likelihood
from digitwise.images import Splits
from digitwise.recipes.space import Trial
from digitwise.training.fit import fit_parts, joined
from digitwise.training.outcome import Outcome
from digitwise.training.precision import Precision
from digitwise.training.predict import predict
from digitwise.training.watch import Watch


@dataclass(frozen=True, eq=False)
class Common:
    """What all trials share.

    Parameters
    ----------
    splits : Splits
    seed : int
    precision : {"float32", "bfloat16"}
    deterministic : bool
    """

    splits: Splits
    seed: int
    precision: Precision
    deterministic: bool


def run_trial(common: Common, trial: Trial, watch: Watch) -> Outcome:
    """Train one trial and count its validation errors.

    Parameters
    ----------
    common : Common
    trial : Trial
    watch : Watch

    Returns
    -------
    Outcome

    Raises
    ------
    RecipeError
        If the pictures are none the recipe can be trained on.
    """
    parts = fit_parts(
        trial.recipe,
        common.splits,
        seed=common.seed,
        precision=common.precision,
        deterministic=common.deterministic,
        watch=watch,
    )
    fitted = joined(trial.recipe, common.splits.train, parts)
    epochs, seconds = len(fitted.history), round(fitted.fit_seconds, 2)
    try:
        answers = predict(fitted.model, common.splits.validation)
    except DataError:  # a network that has diverged answers with what is no probability
        return Outcome("diverged", None, None, epochs, seconds, [])
    log_loss = max(0.0, negative_log_likelihood(answers.probabilities, answers.labels))  # which may be -0.0
    return Outcome("finished", answers.errors, log_loss, epochs, seconds, parts)

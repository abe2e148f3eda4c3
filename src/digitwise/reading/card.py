"""What a model's file says of itself, checked before anything is read with it, and what it guarantees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitwise.errors import ModelError, one_line
from digitwise.images import Float32, Mask
from digitwise.normalize import VERSION

# In files of earlier exports a threshold is the confidence of one validation image, which float32 may give a little
# lower, by 8e-7 at most; since then it stands below that image.
ROUNDING = 1e-6
DEFAULT = 0.003  # the strictest guarantee that is kept unasked: at 0.2 % the bundled model leaves seven times as much
KEY = "digitwise"  # of the file's metadata
FORMAT = 1  # of the document there
UNTOUCHED = "none"  # images go in at the model's own size, as they are
EXPORT = "export one with digitwise export RUN --format onnx"


@dataclass(frozen=True)
class Policy:
    """A threshold, and the guarantee it keeps.

    Parameters
    ----------
    max_error : float
        At most this share of what is read is wrong, with the confidence that the model's file tells.
    threshold : float
        Read where the most probable class has at least this probability at the policy's own temperature.
    exponent : float
        From calibrated probabilities to those: powers of them, brought to a sum of one.
    """

    max_error: float
    threshold: float
    exponent: float

    def sure(self, probabilities: Float32) -> Mask:
        """Which answers count, bool of shape (n,), by calibrated probabilities (n, k)."""
        powers = probabilities.astype(np.float64) ** self.exponent
        return np.asarray(powers.max(axis=1) >= (self.threshold - ROUNDING) * powers.sum(axis=1))


def policies_of(document: dict[str, Any], temperature: float) -> tuple[Policy, ...]:
    """The policies in a model's metadata, strictest first.

    Raises
    ------
    KeyError, TypeError, ValueError
        If one is not as :mod:`digitwise.evaluation.selective` makes them.
    """
    found = []
    for each in document["policies"]:
        policy = Policy(
            max_error=float(each["max_error"]),
            threshold=float(each["threshold"]),
            exponent=temperature / float(each["temperature"]),
        )
        if not (0 < policy.max_error < 1 and 0 <= policy.threshold <= 1 and 0 < policy.exponent < 1e3):
            raise ValueError(f"policy out of range: {each}")
        found.append(policy)
    return tuple(sorted(found, key=lambda policy: policy.max_error))


def chosen(policies: tuple[Policy, ...], max_error: float | None, name: str) -> Policy | None:
    """The policy to read by.

    Parameters
    ----------
    policies : tuple of Policy
        The model's, strictest first.
    max_error : float, optional
        Takes the largest guarantee that is no larger. By default the strictest from ``DEFAULT`` on, or else the
        strictest there is.
    name : str
        The model, for the message.

    Returns
    -------
    Policy or None
        None where the model gives no guarantee and none was asked for: all answers count then.

    Raises
    ------
    ModelError
        If the model cannot guarantee so few errors.
    """
    if max_error is None:
        usual = [policy for policy in policies if policy.max_error >= DEFAULT]
        return next(iter([*usual, *policies]), None)
    if not 0 < max_error < 1:
        raise ModelError(f"max_error: expected a share above 0 and below 1, got {max_error:g}")
    kept = [policy for policy in policies if policy.max_error <= max_error * (1 + 1e-9)]
    if kept:
        return kept[-1]
    can = f"from {policies[0].max_error:.4g} on" if policies else "none: the model gives no guarantee"
    raise ModelError(
        f"max_error: expected a share that {name} can guarantee, {can}, got {max_error:.4g}; "
        f"allow more errors, or export a model validated on more images"
    )


@dataclass(frozen=True)
class Card:
    """Classes, form of the input, and guarantees of a model.

    Parameters
    ----------
    class_names : tuple of str
        In the order of the output's columns.
    normalization : str
        How images are brought to the input: the version of :mod:`digitwise.normalize`, or ``none``.
    policies : tuple of Policy
        Strictest first.
    document : dict
        All that the file says.
    """

    class_names: tuple[str, ...]
    normalization: str
    policies: tuple[Policy, ...]
    document: dict[str, Any]


def card_of(metadata: Mapping[str, str], name: str) -> Card:
    """Read the metadata of an ONNX file.

    Raises
    ------
    ModelError
        If it has none of ours, or something in it is missing or not known here.
    """
    if KEY not in metadata:
        raise ModelError(f"{name}: expected a model made by digitwise, got an ONNX file without its metadata; {EXPORT}")
    try:
        document = json.loads(metadata[KEY])
        made_as = document["format"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"{name}: damaged metadata: expected a JSON document with its format; {EXPORT}") from error
    if made_as != FORMAT:
        raise ModelError(
            f"{name}: expected metadata of format {FORMAT}, got {made_as!r}; upgrade digitwise or {EXPORT}"
        )
    try:
        names, normalization = document["class_names"], document["normalization"]
        policies = policies_of(document, float(document["temperature"]))
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise ValueError("class_names: expected a list of words")
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        reason = one_line(f"{type(error).__name__}: {error}", 160)
        raise ModelError(f"{name}: damaged metadata: {reason}; {EXPORT}") from error
    if normalization not in (VERSION, UNTOUCHED):
        raise ModelError(
            f"{name}: expected images normalized by {VERSION!r} or {UNTOUCHED!r}, got {normalization!r}; {EXPORT}"
        )
    return Card(tuple(names), normalization, policies, document)

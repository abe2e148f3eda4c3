"""What a model's file says of itself, checked before anything is read with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digitwise.errors import ModelError, one_line
from digitwise.normalize import VERSION
from digitwise.reading.policy import Policy, policies_of

KEY = "digitwise"  # of the file's metadata
FORMAT = 1  # of the document there
UNTOUCHED = "none"  # pictures go in at the model's own size, as they are
EXPORT = "export one with digitwise export RUN --format onnx"


@dataclass(frozen=True)
class Card:
    """Classes, form of the input, and promises of a model.

    Parameters
    ----------
    class_names : tuple of str
        In the order of the output's columns.
    normalization : str
        How pictures are brought to the input: the version of :mod:`digitwise.normalize`, or ``none``.
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
            f"{name}: expected pictures normalized by {VERSION!r} or {UNTOUCHED!r}, got {normalization!r}; {EXPORT}"
        )
    return Card(tuple(names), normalization, policies, document)

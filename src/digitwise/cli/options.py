"""How options that several commands share are read: shares, class mixes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def share(text: str) -> float:
    """Read a share above 0 and below 1: ``0.1%`` or ``0.001``."""
    text = text.strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise typer.BadParameter(f"expected a share like 0.1% or 0.001, got {text!r}")
    return value


def share_or_all(text: str) -> float:
    """Read a share above 0 and at most 1: ``95%``, ``0.95`` or ``100%``."""
    return 1.0 if text.strip() in ("1", "1.0", "100%") else share(text)


def class_mix(text: str | None) -> dict[str, float] | None:
    """Read shares of classes: ``0=30%,1=0.2``; the classes not named divide the rest."""
    if not text:
        return None
    mix = {}
    for part in text.split(","):
        name, equals, amount = part.rpartition("=")
        name, amount = name.strip(), amount.strip()
        if name in mix:
            raise typer.BadParameter(f"expected each class once, got {name!r} twice")
        try:
            mix[name] = float(amount.removesuffix("%")) / (100 if amount.endswith("%") else 1)
        except ValueError:
            equals = ""
        if not equals:
            raise typer.BadParameter(f"expected CLASS=SHARE,… as in 0=30%,1=0.2, got {part.strip()!r}")
    return mix


ClassMixOption = Annotated[
    str | None,
    typer.Option(
        "--class-mix", metavar="CLASS=SHARE,…", help="The class mix in use, as in 0=30%,1=0.2; others divide the rest."
    ),
]
SamplesOption = Annotated[int, typer.Option(min=1, help="How many readings to reckon errors for.")]
MaxErrorOption = Annotated[
    float | None,
    typer.Option(
        parser=share, metavar="SHARE", help="Answer only when sure enough for this share of wrong answers at most."
    ),
]

ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="FILE", help="What reads; by default the model in the package.")
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        metavar="auto|HOST:PORT",
        help="Run on Ray: the cluster this machine is part of, or one of its own cores; or the one at an address.",
    ),
]
JobsOption = Annotated[int | None, typer.Option(min=1, help="Trainings side by side on this machine.")]
ThreadsOption = Annotated[
    int | None, typer.Option(min=1, help="Cores of each training.  [default: 1 on a cluster, else the cores divided]")
]

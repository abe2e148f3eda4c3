"""What a sweep tries: recipes near one recipe, all decided before the first is trained.

So a sweep has the same trials wherever it runs, and what came of one can be told to another. The trials are
combinations of values that are given (:func:`grid`), or drawn near the recipe (:func:`draws`).

References
----------
J. Bergstra, Y. Bengio, Random Search for Hyper-Parameter Optimization, JMLR 13 (2012): why draws find more than a grid
of as many trials.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from digitwise.errors import RecipeError
from digitwise.recipes.recipe import Augmentation, Recipe

MOST = 1000  # trials: more is a slip of the hand
FIXED = {"name", "purpose", "sources", "members", "augmentation"}  # they say what a recipe is, or are more of the same
SHORT = 60  # characters of a trial's values that its name may have
WARP = "augmentation."
READ: dict[type, tuple[str, Callable[[str], Any]]] = {  # what a value shall be, and how it is read
    int: ("a whole number", int),
    float: ("a number", float),
    bool: ("true or false", {"true": True, "false": False}.__getitem__),
    str: ("a name", str),
}


@dataclass(frozen=True, eq=False)
class Trial:
    """One recipe to try.

    Parameters
    ----------
    number : int
        From 1.
    changes : dict
        What a sweep varies, by name, to its value in this trial; ``augmentation.rotation_range`` and the like for the
        ranges of the augmentation. All trials of a sweep have the same names.
    recipe : Recipe
        The recipe with these values.
    """

    number: int
    changes: dict[str, Any]
    recipe: Recipe

    @property
    def name(self) -> str:
        """Number, and values where they take few words."""
        words = in_words(self.changes)
        return f"trial {self.number}: {words}" if len(words) <= SHORT else f"trial {self.number}"


@dataclass(frozen=True, eq=False)
class Space:
    """What a sweep tries.

    Parameters
    ----------
    kind : {"grid", "draws"}
    names : dict
        What varies: a list of its values in a grid, in words how it is drawn.
    trials : tuple of Trial
    """

    kind: Literal["grid", "draws"]
    names: dict[str, list[Any] | str]
    trials: tuple[Trial, ...]


def in_words(changes: dict[str, Any]) -> str:
    """Values by name, as a person reads them."""
    return ", ".join(f"{name.removeprefix(WARP)} {in_short(value)}" for name, value in changes.items())


def in_short(value: Any) -> str:
    """A value as it is given to :func:`grid`."""
    if isinstance(value, tuple | list):
        return ":".join(map(in_short, value))
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def swept() -> list[str]:
    """The names that can be swept."""
    own = [field.name for field in dataclasses.fields(Recipe) if field.name not in FIXED]
    return [*own, *(WARP + field.name for field in dataclasses.fields(Augmentation))]


def grid(recipe: Recipe, axes: Sequence[str]) -> Space:
    """All combinations of given values.

    Parameters
    ----------
    recipe : Recipe
    axes : sequence of str
        Each a name and its values, ``learning_rate=0.002,0.004``. The two betas of a value are joined by a colon, as
        in ``betas=0.7:0.9,0.9:0.999``; ``early_stopping=none,3`` has one without. The last axis varies fastest.

    Returns
    -------
    Space

    Raises
    ------
    RecipeError
        If a name is none that can be swept, a value is not of its kind or one the recipe cannot take, something is
        there twice, or there are more than a thousand combinations.

    Example
    -------
    >>> from digitwise.recipes import find
    >>> [trial.name for trial in grid(find("flash"), ["learning_rate=0.008,0.016"]).trials]
    ['trial 1: learning_rate 0.008', 'trial 2: learning_rate 0.016']
    """
    values: dict[str, list[Any]] = {}
    for axis in axes:
        name, given = _axis(axis)
        if name in values:
            raise RecipeError(f"grid: expected each name once, got {name} twice; give all its values in one")
        values[name] = given
    if not values:
        raise RecipeError("grid: expected NAME=VALUE,VALUE,… as in learning_rate=0.002,0.004, got nothing")
    if (combinations := math.prod(map(len, values.values()))) > MOST:
        raise RecipeError(f"grid: expected {MOST:,} combinations or fewer, got {combinations:,}; draw some by --trials")
    trials = tuple(
        _trial(number, recipe, dict(zip(values, combination, strict=True)))
        for number, combination in enumerate(itertools.product(*values.values()), 1)
    )
    return Space("grid", dict(values), trials)


def draws(recipe: Recipe, n: int, *, seed: int = 0) -> Space:
    """The recipe as it is, and ``n - 1`` drawn near it.

    Drawn are: the learning rate, log-uniform within a factor of four; the batch size, half, the same or twice; label
    smoothing, uniform from 0 to twice the recipe's, or 0.1 where it has none; where Muon trains, its ratio, log-uniform
    within a factor of two, and what its momentum lacks to one likewise; where the recipe has an augmentation, each of
    its ranges, uniform from half to one and a half times; where it has focus or made scans, their shares, from half to
    twice. Numbers are rounded to three digits. The first draws are the same however many there are.

    Parameters
    ----------
    recipe : Recipe
    n : int
        1 to 1,000.
    seed : int

    Returns
    -------
    Space

    Raises
    ------
    RecipeError
        If there shall be none, or more than a thousand.
    """
    if not 1 <= n <= MOST:
        raise RecipeError(f"trials: expected 1 to {MOST:,}, got {n:,}")
    near = _neighbourhood(recipe)
    trials = [_trial(1, recipe, {name: _value(recipe, name) for name in near})]
    for number in range(2, n + 1):
        rng = np.random.default_rng((seed, number))
        trials.append(_trial(number, recipe, {name: draw(rng) for name, (_, draw) in near.items()}))
    return Space("draws", {name: words for name, (words, _) in near.items()}, tuple(trials))


Draw = Callable[[np.random.Generator], Any]


def _neighbourhood(recipe: Recipe) -> dict[str, tuple[str, Draw]]:
    """What is drawn, to how in words, and how."""
    rate, size = recipe.learning_rate, recipe.batch_size
    sizes = sorted({max(1, size // 2), size, size * 2})
    near: dict[str, tuple[str, Draw]] = {
        "learning_rate": _log_uniform(rate / 4, rate * 4),
        "batch_size": (f"one of {', '.join(map(str, sizes))}", lambda rng: int(rng.choice(sizes))),
        "label_smoothing": _uniform(0, min(2 * recipe.label_smoothing, 0.9) or 0.1),
    }
    if recipe.optimizer == "muon":
        rest = 1 - recipe.muon_momentum
        near["muon_ratio"] = _log_uniform(recipe.muon_ratio / 2, recipe.muon_ratio * 2)
        near["muon_momentum"] = _uniform(max(0, 1 - 2 * rest), 1 - rest / 2)
    for name in ("focus", "scans"):
        if share := getattr(recipe, name):
            near[name] = _uniform(share / 2, share * 2)
    for name, most in dataclasses.asdict(recipe.augmentation or Augmentation()).items():
        if most:
            near[WARP + name] = _uniform(most / 2, min(most * 1.5, 0.9 if name == "zoom_range" else 179))
    return near


def _uniform(low: float, high: float) -> tuple[str, Draw]:
    return f"uniform, {low:.3g} to {high:.3g}", lambda rng: _rounded(rng.uniform(low, high))


def _log_uniform(low: float, high: float) -> tuple[str, Draw]:
    return (
        f"log-uniform, {low:.3g} to {high:.3g}",
        lambda rng: _rounded(math.exp(rng.uniform(math.log(low), math.log(high)))),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _value(recipe: Recipe, name: str) -> Any:
    holder = (recipe.augmentation or Augmentation()) if name.startswith(WARP) else recipe
    return getattr(holder, name.removeprefix(WARP))


def _trial(number: int, recipe: Recipe, changes: dict[str, Any]) -> Trial:
    warp = {name.removeprefix(WARP): value for name, value in changes.items() if name.startswith(WARP)}
    own = {name: value for name, value in changes.items() if not name.startswith(WARP)}
    if warp:
        own["augmentation"] = dataclasses.replace(recipe.augmentation or Augmentation(), **warp)
    return Trial(number, changes, dataclasses.replace(recipe, **own))  # not recipe.replace: None is a value here


def _axis(text: str) -> tuple[str, list[Any]]:
    """A name and its values, read by their type."""
    name, equals, given = text.partition("=")
    name = name.strip()
    if not equals or not name:
        raise RecipeError(f"grid: expected NAME=VALUE,VALUE,… as in learning_rate=0.002,0.004, got {text!r}")
    if name not in swept():
        raise RecipeError(f"grid: expected one of {', '.join(swept())}, got {name!r}")
    holder = Augmentation if name.startswith(WARP) else Recipe
    kind = typing.get_type_hints(holder)[name.removeprefix(WARP)]
    values = []
    for part in given.split(","):
        value = _read(name, part.strip(), kind)
        if value in values:
            raise RecipeError(f"grid: expected each value of {name} once, got {in_short(value)} twice")
        values.append(value)
    return name, values


def _read(name: str, text: str, kind: Any) -> Any:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if text.lower() == "none" else _read(name, text, next(part for part in parts if part is not None))
    if origin is tuple:
        pair = text.split(":")
        if len(pair) != len(parts):
            raise RecipeError(
                f"grid: {name}: expected {len(parts)} numbers joined by colons as 0.9:0.999, got {text!r}"
            )
        return tuple(_read(name, each.strip(), part) for each, part in zip(pair, parts, strict=True))
    if origin is Literal:
        expected, read = f"one of {', '.join(parts)}", dict(zip(parts, parts, strict=True)).__getitem__
    else:
        expected, read = READ[kind]
    try:
        return read(text)
    except (ValueError, KeyError):
        raise RecipeError(f"grid: {name}: expected {expected}, got {text!r}") from None

"""What a sweep tries: recipes near one recipe.

All combinations of values that are given (:func:`grid`), or the recipe as it is and others near it (:func:`draws`),
whose values are proposed as the sweep goes, see :mod:`digitwise.training.trials`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from digitwise import parts
from digitwise.errors import RecipeError
from digitwise.recipes.recipe import Augmentation, Recipe

MOST = 1000  # trials: more is a slip of the hand
FIXED = {
    "name",
    "purpose",
    "sources",
    "members",
    "other_models",
    "augmentation",
    "layers",
}  # they say what a recipe is, or are more of the same
SHORT = 60  # characters of a trial's values that its name may have
WARP = "augmentation."
Grid = Mapping[str, Sequence[Any]] | Sequence[str]  # values by name, or each name with its values in one text
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


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, uniform, or uniform in their logarithm."""

    low: float
    high: float
    log: bool = False

    def __str__(self) -> str:
        return f"{'log-uniform' if self.log else 'uniform'}, {self.low:.3g} to {self.high:.3g}"


@dataclass(frozen=True, eq=False)
class Space:
    """What a sweep tries.

    Parameters
    ----------
    kind : {"grid", "draws"}
    recipe : Recipe
        That the trials lie near.
    axes : dict
        What varies, by name: a list of values, or a range.
    n : int
        Trials.
    known : tuple of Trial
        The first ones, whose values are decided beforehand: all of a grid; of draws one, the recipe as it is.
    """

    kind: Literal["grid", "draws"]
    recipe: Recipe
    axes: dict[str, list[Any] | Range]
    n: int
    known: tuple[Trial, ...]

    @property
    def names(self) -> dict[str, list[Any] | str]:
        """What varies: a list of values, or a range in words."""
        return {name: str(axis) if isinstance(axis, Range) else axis for name, axis in self.axes.items()}

    def trial(self, number: int, proposed: Mapping[str, Any]) -> Trial:
        """A trial by its number, from 1; with these values, of numbers three digits, where it is not known before."""
        if number <= len(self.known):
            return self.known[number - 1]
        rounded = {name: float(f"{v:.3g}") if isinstance(v, float) else v for name, v in proposed.items()}
        return _trial(number, self.recipe, rounded)


def in_words(changes: dict[str, Any]) -> str:
    """Values by name, as a person reads them."""
    return ", ".join(f"{name.removeprefix(WARP)} {in_short(value)}" for name, value in changes.items())


def in_short(value: Any) -> str:
    """A value as it is given to :func:`grid`, of a number six digits."""
    if isinstance(value, tuple | list):
        return ":".join(map(in_short, value))
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


def whole(value: Any) -> str:
    """A value as it is given to :func:`grid`, with all its digits."""
    return ":".join(map(whole, value)) if isinstance(value, tuple | list) else str(value).lower()


def swept() -> list[str]:
    """The names that can be swept."""
    own = [field.name for field in dataclasses.fields(Recipe) if field.name not in FIXED]
    return [*own, *(WARP + field.name for field in dataclasses.fields(Augmentation))]


def library() -> Any:
    """Optuna itself, which proposes the values of draws and keeps all trials.

    Raises
    ------
    MissingPartError
        If it is not installed.
    """
    return parts.imported("optuna", "a sweep")


def space_of(recipe: Recipe, trials: int | None, given: Grid | None) -> Space:
    """The space of so many draws, or of a grid.

    Raises
    ------
    RecipeError
        If both are given or neither is, or they cannot be used, see :func:`draws` and :func:`grid`.
    """
    if bool(given) == (trials is not None):
        both = "both" if given else "neither"
        raise RecipeError.wanted(
            "sweep",
            "either a grid of values, NAME=A,B,… as in batch_size=32,64, or a number of trials, drawn near the recipe",
            both,
            argument="trials" if given else "grid",
        )
    return grid(recipe, given or ()) if trials is None else draws(recipe, trials)


def grid(recipe: Recipe, axes: Grid) -> Space:
    """All combinations of given values.

    Parameters
    ----------
    recipe : Recipe
    axes : mapping of str to sequence, or sequence of str
        Names and their values; or each a name and its values, ``learning_rate=0.002,0.004``. The two betas of a value
        are joined by a colon, as in ``betas=0.7:0.9,0.9:0.999``; ``early_stopping=none,3`` has one without. The last
        axis varies fastest.

    Returns
    -------
    Space

    Raises
    ------
    RecipeError
        If a name is none that can be swept, a value is not of its kind or one the recipe cannot take, something is
        there twice, or there are more than a thousand combinations.

    Examples
    --------
    >>> from digitwise.recipes import find
    >>> [trial.name for trial in grid(find("flash"), {"learning_rate": [0.008, 0.016]}).known]
    ['trial 1: learning_rate 0.008', 'trial 2: learning_rate 0.016']
    """
    if isinstance(axes, Mapping):
        axes = [f"{name}={','.join(map(whole, values))}" for name, values in axes.items()]
    values: dict[str, list[Any]] = {}
    for axis in axes:
        name, given = _axis(axis)
        if name in values:
            raise RecipeError(f"grid: expected each name once, got {name} twice; give all its values in one")
        values[name] = given
    if not values:
        raise RecipeError("grid: expected NAME=VALUE,VALUE,… as in learning_rate=0.002,0.004, got nothing")
    if (combinations := math.prod(map(len, values.values()))) > MOST:
        raise RecipeError(
            f"grid: expected {MOST:,} combinations or fewer, got {combinations:,}; draw some by trials (--trials)"
        )
    known = tuple(
        _trial(number, recipe, dict(zip(values, combination, strict=True)))
        for number, combination in enumerate(itertools.product(*values.values()), 1)
    )
    return Space("grid", recipe, dict(values), len(known), known)


def draws(recipe: Recipe, n: int) -> Space:
    """The recipe as it is, and ``n - 1`` near it.

    What varies: the learning rate, log-uniform within a factor of four; the batch size, half, the same or twice; label
    smoothing, uniform from 0 to twice the recipe's, or 0.1 where it has none; where Muon trains, its ratio, log-uniform
    within a factor of two, and what its momentum lacks to one likewise; where the recipe has an augmentation, each of
    its ranges, uniform from half to one and a half times; where it has focus or made scans, their shares, from half to
    twice.

    Parameters
    ----------
    recipe : Recipe
    n : int
        1 to 1,000.

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
    return Space("draws", recipe, near, n, (_trial(1, recipe, {name: _value(recipe, name) for name in near}),))


def _neighbourhood(recipe: Recipe) -> dict[str, list[Any] | Range]:
    rate, size = recipe.learning_rate, recipe.batch_size
    near: dict[str, list[Any] | Range] = {
        "learning_rate": Range(rate / 4, rate * 4, log=True),
        "batch_size": sorted({max(1, size // 2), size, size * 2}),
        "label_smoothing": Range(0, min(2 * recipe.label_smoothing, 0.9) or 0.1),
    }
    if recipe.optimizer == "muon":
        rest = 1 - recipe.muon_momentum
        near["muon_ratio"] = Range(recipe.muon_ratio / 2, recipe.muon_ratio * 2, log=True)
        near["muon_momentum"] = Range(max(0, 1 - 2 * rest), 1 - rest / 2)
    for name in ("focus", "scans"):
        if share := getattr(recipe, name):
            near[name] = Range(share / 2, share * 2)
    for name, most in dataclasses.asdict(recipe.augmentation or Augmentation()).items():
        if most:
            near[WARP + name] = Range(most / 2, min(most * 1.5, 0.9 if name == "zoom_range" else 179))
    return near


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
        raise RecipeError.wanted("grid", f"one of {', '.join(swept())}", repr(name), argument="grid")
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
        raise RecipeError(
            f"grid: {name}: expected {expected}, got {text!r}", argument="grid", expected=expected, got=text
        ) from None

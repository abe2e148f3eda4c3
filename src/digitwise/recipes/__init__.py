"""Recipes by name. A recipe is plain data; its measured result stands above it."""

from __future__ import annotations

import difflib
from pathlib import Path

from digitwise.errors import RecipeError
from digitwise.recipes.named import ACCURATE, AUGMENTED, BASELINE, ENSEMBLE, FLASH, FOCUS, IMPROVED, READER
from digitwise.recipes.recipe import Augmentation, Recipe

RECIPES = {recipe.name: recipe for recipe in (FLASH, BASELINE, IMPROVED, AUGMENTED, FOCUS, ACCURATE, ENSEMBLE, READER)}

__all__ = ["RECIPES", "Augmentation", "Recipe", "find", "for_data", "is_file"]


def find(name: str | Path) -> Recipe:
    """Look a recipe up: one of :data:`RECIPES` by its name, or one's own by the path of its TOML file.

    Raises
    ------
    RecipeError
        If there is none; the message has the nearest names, if any is near.
    """
    if is_file(name):
        return Recipe.from_toml(name)
    if name in RECIPES:
        return RECIPES[str(name)]
    near = difflib.get_close_matches(str(name), RECIPES, n=2, cutoff=0.4)
    raise RecipeError(
        f"recipe {str(name)!r}: expected one of {', '.join(RECIPES)}, or the path of a file NAME.toml"
        + (f"; nearest: {', '.join(near)}" if near else ""),
        argument="recipe",
        expected=tuple(RECIPES),
        got=str(name),
    )


def is_file(recipe: str | Path) -> bool:
    """Whether a recipe is given by the path of its file, and not by its name."""
    return isinstance(recipe, Path) or recipe.endswith(".toml")


def for_data(recipe: str | Path | Recipe, n: int) -> Recipe:
    """The recipe for ``n`` training images.

    One of :data:`RECIPES` by its name is adapted to their number, see :meth:`Recipe.for_size` and
    :meth:`Recipe.long_enough`; one's own is taken as it is.
    """
    if isinstance(recipe, Recipe):
        return recipe
    found = find(recipe)
    return found if is_file(recipe) else found.for_size(n).long_enough(n)

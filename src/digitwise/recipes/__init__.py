"""Recipes by name. A recipe is plain data; its measured result stands above it."""

from __future__ import annotations

import difflib

from digitwise.errors import RecipeError
from digitwise.recipes.named import ACCURATE, AUGMENTED, BASELINE, ENSEMBLE, FLASH, FOCUS, IMPROVED, READER
from digitwise.recipes.recipe import Augmentation, Recipe

RECIPES = {recipe.name: recipe for recipe in (FLASH, BASELINE, IMPROVED, AUGMENTED, FOCUS, ACCURATE, ENSEMBLE, READER)}

__all__ = ["RECIPES", "Augmentation", "Recipe", "find"]


def find(name: str) -> Recipe:
    """Look a recipe up by name.

    Raises
    ------
    RecipeError
        If there is none; the message has the nearest names.
    """
    if name in RECIPES:
        return RECIPES[name]
    near = difflib.get_close_matches(name, RECIPES, n=2, cutoff=0.4) or list(RECIPES)
    raise RecipeError(f"recipe {name!r}: expected one of {', '.join(RECIPES)}; nearest: {', '.join(near)}")

"""The fields of a recipe, as its class and its docstring have them: types, and what each is for."""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from digitwise.errors import RecipeError

ENTRY = re.compile(r"^(\w+(?:, \w+)*) : .*\n((?:    .*\n?)*)", re.MULTILINE)  # of numpydoc: names, type, meaning
ROLE = re.compile(r":\w+:`~?([^`]+)`|``([^`]+)``")
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


@cache
def kinds(cls: type) -> dict[str, Any]:
    """The type of each field, by its name."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


@cache
def meanings(cls: type) -> dict[str, str]:
    """What each field is for, as one line of plain text, from the docstring's section of parameters."""
    parameters = inspect.cleandoc(cls.__doc__ or "").partition("----------\n")[2]
    found: dict[str, str] = {}
    for names, text in ENTRY.findall(parameters):
        line = ROLE.sub(lambda part: part[1] or part[2], " ".join(textwrap.dedent(text).split()))
        found |= dict.fromkeys(names.split(", "), line)
    return found


def check(cls: type, values: Mapping[str, Any]) -> None:
    """Make sure that each value is of its field's type.

    Raises
    ------
    RecipeError
        On the first one that is not.
    """
    for name, kind in kinds(cls).items():
        if not _fits(values[name], kind):
            raise RecipeError(f"{name}: expected {in_words(kind)}, got {values[name]!r}")


def in_words(kind: Any) -> str:
    """What a value of a type is."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return " or ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    if origin in (types.UnionType, typing.Union):
        return " or ".join("none" if part is types.NoneType else in_words(part) for part in parts)
    if origin is tuple:
        many = {float: "numbers", str: "texts"}[parts[0]]
        return f"a list of {many}" if parts[-1] is ... else f"{len(parts)} {many}"
    return WORDS.get(kind) or str(kind.__name__)


def _fits(value: Any, kind: Any) -> bool:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return value in parts
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, part) for part in parts)
    if origin is tuple:
        alike = isinstance(value, tuple) and (parts[-1] is ... or len(value) == len(parts))
        return alike and all(_fits(each, parts[0]) for each in value)
    if kind in (int, float):
        return isinstance(value, int | kind) and not isinstance(value, bool)
    return isinstance(value, kind)

"""Recipes as TOML: written with a comment for each field, and read with the nearest name where one is unknown."""

from __future__ import annotations

import dataclasses
import difflib
import json
import textwrap
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from digitwise.errors import RecipeError, one_line
from digitwise.recipes import fields

WIDTH = 100  # characters of a comment's line
LEFT_OUT = "layers"  # a network of one's own, which comes with digitwise.train(model=…)
HEAD = """\
# A recipe of digitwise: every choice of a training but its data and its seed.
# Change values, give it a name of its own, and train it: digitwise train THIS-FILE.toml --data DATA
"""
ADVICE = "Recipe.to_toml, or digitwise recipe show augmented, has all fields"

T = TypeVar("T")


def written(recipe: Any) -> str:
    """A recipe as TOML. A field without a value stands as a comment, as TOML has no null."""
    cls: type = type(recipe)
    blocks = [HEAD]
    tables = []
    for name, kind in fields.kinds(cls).items():
        value = getattr(recipe, name)
        if name == LEFT_OUT:
            continue
        inner = next((part for part in (kind, *typing.get_args(kind)) if dataclasses.is_dataclass(part)), None)
        if inner is not None:
            tables.append(_table(name, typing.cast(type, inner), value))
            continue
        line = f"{name} = {_literal(value)}" if value is not None else f"# {name} = {_example(kind)}"
        blocks.append(f"{_comment(cls, name)}{line}\n")
    return "\n".join([*blocks, *tables])


def _table(name: str, cls: type, value: Any) -> str:
    """A table of a nested value; commented out where there is none."""
    off, shown = ("", value) if value is not None else ("# ", cls())
    lines = [f"{off}[{name}]\n"]
    lines += [f"{_comment(cls, each)}{off}{each} = {_literal(getattr(shown, each))}\n" for each in fields.kinds(cls)]
    return "\n".join(lines)


def _comment(cls: type, name: str) -> str:
    kind, text = fields.kinds(cls)[name], fields.meanings(cls)[name]
    if typing.get_origin(kind) is Literal:
        text = f"{fields.in_words(kind)}. {text}"
    return textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ") + "\n"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        parts = [_literal(each) for each in value]
        if any(isinstance(each, str) for each in value):
            return "".join(["[\n", *(f"  {part},\n" for part in parts), "]"])
        return f"[{', '.join(parts)}]"
    return str(value).lower()


def _example(kind: Any) -> str:
    """A value for a field that has none."""
    first = next(part for part in typing.get_args(kind) if part is not types.NoneType)
    return {int: "3", float: "0.5", str: '""'}[first]


def read(cls: type[T], path: str | Path) -> T:
    """Read a recipe from a file.

    Raises
    ------
    RecipeError
        If there is none, it is no TOML, or a field is unknown, missing or of the wrong type.
    """
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(
            f"{path}: expected a recipe in TOML, got {error.strerror}; {ADVICE}",
            path=path,
            expected="a recipe in TOML",
            got=error.strerror,
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecipeError(
            f"{path}: expected a recipe in TOML: {one_line(error)}",
            path=path,
            expected="a recipe in TOML",
            got=one_line(error),
        ) from error
    try:
        return _made(cls, values)
    except RecipeError as error:
        told = {name: getattr(error, name) for name in ("argument", "expected", "got")}
        raise RecipeError(f"{path}: {error}", path=path, **told) from error


def _made(cls: type[T], values: Mapping[str, Any]) -> T:
    kinds = {name: kind for name, kind in fields.kinds(typing.cast(type, cls)).items() if name != LEFT_OUT}
    for name in values:
        if name not in kinds:
            near = difflib.get_close_matches(name, list(_names(kinds)), n=1, cutoff=0)[0]
            raise RecipeError(
                f"{name}: not a field of a recipe; the nearest is {near}; {ADVICE}",
                expected=tuple(_names(kinds)),
                got=name,
            )
    given = {name: _value(name, value, kinds[name]) for name, value in values.items()}
    needed = [each.name for each in dataclasses.fields(cls) if each.default is dataclasses.MISSING]  # type: ignore[arg-type]
    if missing := [name for name in needed if name not in given]:
        raise RecipeError.wanted(missing[0], "a value", "none", ADVICE)
    return cls(**given)


def _value(name: str, value: Any, kind: Any) -> Any:
    """A value of TOML as the field has it: a table as its class, a list as a tuple."""
    inner = next((part for part in (kind, *typing.get_args(kind)) if dataclasses.is_dataclass(part)), None)
    if inner is not None:
        if not isinstance(value, dict):
            raise RecipeError(f"{name}: expected a table, [{name}], got {value!r}")
        return _made(typing.cast(type, inner), value)
    return tuple(value) if isinstance(value, list) else value


def _names(kinds: Mapping[str, Any]) -> Iterator[str]:
    """The fields, and those of nested values as ``augmentation.rotation_range``."""
    for name, kind in kinds.items():
        yield name
        for part in typing.get_args(kind):
            if dataclasses.is_dataclass(part):
                yield from (f"{name}.{each}" for each in fields.kinds(typing.cast(type, part)))

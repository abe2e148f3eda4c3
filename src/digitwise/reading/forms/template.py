r"""A template of a form: a TOML file with the places of its fields and marks.

Places are in per cent of the form's width and height, so that one template fits a scan of any size::

    marks = [[3, 3], [97, 3], [3, 97], [97, 97]]  # optional: centres of solid marks, three or more
    [fields.amount]
    box = [60, 10, 30, 8]  # left, top, width, height
    pattern = '\d+\.\d\d'  # optional: a regular expression, or a number of digits: expect = 5
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from digitwise.errors import DataError, one_line
from digitwise.escaping import printable
from digitwise.reading.known import Known

LARGEST = 2**20  # bytes of a template file
MOST = 500  # fields
LONGEST = 80, 500  # characters of a field's name, and of a pattern
MARKS = 3, 12  # at least, at most
APART = 2.0  # per cent of the form: two marks that are closer are one
FLAT = 1.0  # per cent of the form's area: marks that span a smaller triangle lie on a line
FORM_COLUMNS = "path", "page", "status", "error"  # of a table of forms, beside the fields: names that no field can have

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Parameters
    ----------
    name : str
    box : tuple of float
        Left, top, width and height in per cent of the form.
    pattern : str, optional
        A regular expression that all that is written in it matches.
    expect : int, optional
        How many digits are written in it.
    """

    name: str
    box: tuple[float, float, float, float]
    pattern: str | None = None
    expect: int | None = None

    @property
    def known(self) -> Known | None:
        """What is known of the number in it."""
        return Known.of(self.pattern, self.expect)


@dataclass(frozen=True, slots=True)
class Template:
    r"""A kind of form.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    fields : tuple of Field
        In the order of the file, one or more.
    marks : tuple of (float, float)
        Centres of solid marks in per cent of the form; none, or three or more.

    Examples
    --------
    >>> template = Template.from_toml("[fields.code]\nbox = [10, 20, 40, 6]\nexpect = 5", "code.toml")
    >>> template.fields
    (Field(name='code', box=(10.0, 20.0, 40.0, 6.0), pattern=None, expect=5),)
    """

    name: str
    fields: tuple[Field, ...]
    marks: tuple[Point, ...] = ()

    @classmethod
    def from_file(cls, path: str | Path) -> Template:
        """Read a template file.

        Raises
        ------
        DataError
            If it cannot be read, or is no template.
        """
        name = printable(str(path))
        try:
            with Path(path).open("rb") as file:
                content = file.read(LARGEST + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            told: dict[str, Any] = {"path": path, "expected": "a file", "got": reason}
            raise DataError(f"{name}: cannot be read: {reason}", **told) from error
        if len(content) > LARGEST:
            raise DataError(f"{name}: expected a template of 1 MB at most, got more; give the .toml file of the form")
        try:
            return cls.from_toml(content.decode("utf-8-sig"), name)
        except UnicodeDecodeError as error:
            wrong = f"expected text in UTF-8, got another byte at {error.start}; save the template as UTF-8"
            raise DataError(f"{name}: {wrong}") from error

    @classmethod
    def from_toml(cls, text: str, name: str) -> Template:
        """Make a template of the text of a file.

        Parameters
        ----------
        text : str
        name : str
            What messages call it.

        Raises
        ------
        DataError
            If it is no template.
        """
        try:
            content = tomllib.loads(text.replace("\r\n", "\n"))
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            wrong = one_line(str(error)) or "too deep"
            raise DataError(
                f"{name}: expected a template in TOML, got: {printable(wrong)[:200]}; correct that"
            ) from error
        try:
            _only(content, {"marks", "fields"}, "the template")
            return cls(name, _fields(content.get("fields")), _marks(content.get("marks", [])))
        except _Error as error:
            raise DataError(f"{name}: {error}") from error


class _Error(Exception):
    """What is wrong with a template, without its name."""


def _shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    text = printable(str(value) if isinstance(value, str) else repr(value))
    return text if len(text) <= 60 else text[:59] + "…"


def _only(table: dict[str, Any], keys: set[str], where: str) -> None:
    for key in table:
        if key not in keys:
            expected = ", ".join(sorted(keys))
            raise _Error(f"{where}: expected the keys {expected}, got {_shown(key)!r}; take it out or correct it")


def _fields(tables: Any) -> tuple[Field, ...]:
    if not isinstance(tables, dict) or not tables:
        raise _Error(f"expected fields, got {_shown(tables) if tables else 'none'}; add [fields.NAME] with its box")
    if len(tables) > MOST:
        raise _Error(f"expected {MOST} fields at most, got {len(tables)}; part the form into several templates")
    seen: dict[str, str] = {}
    for name in tables:
        if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > LONGEST[0]:
            wanted = f"1 to {LONGEST[0]} printable characters without spaces around them"
            raise _Error(f"expected a field's name of {wanted}, got {_shown(name)!r}; rename it")
        if name.casefold() in FORM_COLUMNS:
            raise _Error(f"expected a field's name other than {', '.join(FORM_COLUMNS)}, got {name!r}; rename it")
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise _Error(f"expected names that differ, got fields {other!r} and {name!r}; rename one")
    return tuple(_field(name, table) for name, table in tables.items())


def _field(name: str, table: Any) -> Field:
    where = f"field {name!r}"
    if not isinstance(table, dict):
        raise _Error(f"{where}: expected a table with a box, got {_shown(table)}; write [fields.NAME] above its keys")
    _only(table, {"box", "pattern", "expect"}, where)
    pattern, expect = table.get("pattern"), table.get("expect")
    if pattern is not None and (not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST[1]):
        wanted = f"a regular expression of 1 to {LONGEST[1]} characters in quotes"
        raise _Error(f"{where}: expected pattern to be {wanted}, got {_shown(pattern)!r}; correct it")
    if expect is not None and type(expect) is not int:
        raise _Error(f"{where}: expected expect to be a number of digits, got {_shown(expect)}; correct it")
    try:
        Known.of(pattern, expect)
    except DataError as error:
        raise _Error(f"{where}: {error}") from error
    return Field(name, _box(table.get("box"), where), pattern, expect)


def _box(box: Any, where: str) -> tuple[float, float, float, float]:
    wanted = f"{where}: expected box = [left, top, width, height] in per cent"
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise _Error(f"{wanted}, got {'none' if box is None else _shown(box)}; give four numbers")
    left, top, width, height = map(float, box)
    if width <= 0 or height <= 0:
        raise _Error(f"{wanted}, got {_shown(box)}; give a width and a height above 0")
    if left < 0 or top < 0 or max(left + width, top + height) > 100 + 1e-9:
        raise _Error(f"{wanted}, got {_shown(box)}; keep it within 0 and 100 on each side")
    return left, top, width, height


def _marks(marks: Any) -> tuple[Point, ...]:
    wanted = f"expected marks = [[x, y], …] in per cent, {MARKS[0]} to {MARKS[1]} of them"
    if marks == []:
        return ()
    if not isinstance(marks, list) or not all(_is_place(mark) for mark in marks):
        raise _Error(f"{wanted}, got {_shown(marks)}; give two numbers from 0 to 100 for each")
    if not MARKS[0] <= len(marks) <= MARKS[1]:
        raise _Error(f"{wanted}, got {len(marks)}; take marks away or add some")
    places = tuple((float(x), float(y)) for x, y in marks)
    for one, other in combinations(places, 2):
        if math.dist(one, other) < APART:
            raise _Error(f"{wanted}, {APART:g} apart, got {list(one)} and {list(other)}; take one out")
    if max(_area(*corners) for corners in combinations(places, 3)) < FLAT * 100:
        raise _Error(f"{wanted}, got all on one line; add one beside it")
    return places


def _is_place(mark: Any) -> bool:
    return isinstance(mark, list) and len(mark) == 2 and all(_is_number(x) and 0 <= x <= 100 for x in mark)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _area(a: Point, b: Point, c: Point) -> float:
    """Of a triangle."""
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2

"""What students read, in their language: English stands in the code, translations in a catalog beside it."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "English", "de": "Deutsch"}
_spoken: ContextVar[str] = ContextVar("language", default="en")  # of this thread


def say(text: str, **values: Any) -> str:
    """A text in the language that is spoken, with ``values`` in the place of ``{names}``.

    Parameters
    ----------
    text : str
        In English, as the catalog has it; one that the catalog lacks stays English.
    **values

    Examples
    --------
    >>> with speaking("de"):
    ...     say("{points} of {of} points", points=1, of=2)
    '1 von 2 Punkten'
    """
    found = catalog(_spoken.get()).get(text, text)
    return found.format(**values) if values else found


def number(value: float) -> str:
    """A number as text, with the decimal mark of the language."""
    text = f"{value:g}"
    return text.replace(".", ",") if spoken() == "de" else text


def spoken() -> str:
    """The language that is spoken: ``en`` or ``de``."""
    return _spoken.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language in this thread; one that is not in ``LANGUAGES`` is English."""
    before = _spoken.set(language if language in LANGUAGES else "en")
    try:
        yield
    finally:
        _spoken.reset(before)


@functools.cache
def catalog(language: str) -> dict[str, str]:
    """The translations into a language, by the English text."""
    if language == "en":
        return {}
    text = Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8")
    return {entry["en"]: entry[language] for entry in tomllib.loads(text)["text"]}

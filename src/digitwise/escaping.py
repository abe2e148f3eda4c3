"""Names that strangers chose, of files and of classes, made harmless: one function for each place they go to.

Terminal: :func:`printable`. CSV: :func:`cell`. JSON: :func:`json_text`. HTML: the templates escape, see
:func:`digitwise.reporting.render.render`, and the scripts of the pages set text only.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Controls of a terminal, marks that turn the direction of text, what is not seen, and bytes that are no UTF-8.
# The joiners U+200C and U+200D stay: Persian words and emoji need them.
HARMFUL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0001-\U000e007f]"
)
FORMULA = re.compile(r"'*[=+\-@\uff1d\uff0b\uff0d\uff20]")  # apostrophes count: one can be taken off again
NUMBER = re.compile(r"[+-]?[\d.,]+")


def printable(text: object, *, keep: str = "") -> str:
    r"""Text for a terminal or a message, harmful characters escaped as Python does: ``\n``, ``\x1b``.

    Parameters
    ----------
    text : object
        Its text is taken.
    keep : str
        Characters that stay as they are.
    """
    return HARMFUL.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), str(text))


def cell(value: Any) -> Any:
    """A value for a cell of CSV: of text, harmful characters are escaped, and a formula gets an apostrophe in front.

    Spreadsheets run what begins with ``=``, ``+``, ``-`` or ``@``; numbers stay as they are.

    References
    ----------
    OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection
    """
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def from_cell(text: str) -> str:
    """The text that :func:`cell` wrote, without the apostrophe."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def json_text(value: Any, **options: Any) -> str:
    """JSON in which letters stand as they are and harmful characters are escaped, which changes no value.

    Parameters
    ----------
    value : plain values
    **options
        Of :func:`json.dumps`.
    """
    text = json.dumps(value, ensure_ascii=False, **options)
    return HARMFUL.sub(lambda found: "\n" if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte of a file's name that is no UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()

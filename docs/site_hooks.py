"""What the site needs beside MkDocs: docstrings in Markdown, and no requests to other sites."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from griffe import Expr, ExprTuple, Extension
from griffe._internal.docstrings import numpy as docstrings
from mkdocs.exceptions import PluginError

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`(?:([^`<]+?)\s*<[^`>]+>|~?\.?([^`]+))`")
OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
# Resources that a browser loads by itself; a link that somebody follows is none.
LOADED = re.compile(r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=["']?(?:https?:)?//[^"'\s>]+
    |<link\b(?![^>]*\brel=["']?canonical)[^>]*\bhref=["']?(?:https?:)?//[^"'\s>]+
    |(?:@import\s+|url\()\s*["']?(?:https?:)?//[^"'\s)]+""", re.VERBOSE)  # fmt: skip


class Roles(Extension):
    """What docstrings have besides Markdown: roles and literal blocks."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        """Change the docstring of each object that is read."""
        if obj.docstring:
            text = ROLE.sub(lambda role: f"`{role[1] or role[2]}`", obj.docstring.value)
            obj.docstring.value = re.sub(r"(?m)^(\s*)::$", r"\1", text).replace("::\n\n", ":\n\n")


as_python = docstrings.parse_docstring_annotation


def as_written(text: str, *about: Any, **more: Any) -> str | Expr:
    """The type of a parameter: griffe reads ``str, Path or Run`` as a tuple, and ``one-hot (n, k)`` as a call."""
    if "-" in text or "(" in text:
        return text
    found = as_python(text, *about, **more)
    return replace(found, implicit=True) if isinstance(found, ExprTuple) else found


docstrings.parse_docstring_annotation = as_written


def on_page_content(html: str, **_: Any) -> str:
    """Let code in text break at its signs and not behind the hyphens of an option; a click enlarges a figure."""

    def breaking(code: re.Match[str]) -> str:
        text = re.sub(r"(?<=\w[._/(])(?=\w)", "<wbr>", code[0])
        return OPTION.sub(r'<span class="option">\g<0></span>', text)

    html = re.sub(r"<code>[^<]*</code>", breaking, html)
    return re.sub(r'<img alt="[^"]*" src="([^"]+)"[^>]*>', r'<a href="\1">\g<0></a>', html)


def on_post_build(config: Any, **_: Any) -> None:
    """Make sure that no page or style sheet loads anything from another site."""
    for file in sorted(Path(config["site_dir"]).rglob("*")):
        if file.suffix in (".html", ".css"):
            text = file.read_text(encoding="utf-8")
            if found := LOADED.search(text):
                raise PluginError(f"{file}: expected no requests to other sites, got {found[0]}")

"""Notebooks that are nearly copies of each other: cells that are alike once names and comments are left out.

References
----------
S. Schleimer, D. Wilkerson, A. Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003; here every
run of tokens counts, since notebooks are short.
"""

from __future__ import annotations

import builtins
import io
import json
import keyword
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise

from digitwise.exercise.notebooks import Notebook, editions

RUN = 5  # tokens in a row
ALIKE = 0.8  # of the runs of two cells that both have
SHORTEST_CODE, SHORTEST_TEXT = 25, 12  # tokens, words: shorter cells are alike by chance
COPIED = 0.6  # share of the smaller notebook's own tokens that stand in alike cells
FEWEST = 4  # alike cells
COMMON = 0.5  # a cell that more of the class have is what was taught
CLASS = 6  # notebooks from which on that can be known
LEFT_OUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@dataclass(frozen=True)
class NearCopy:
    """Two notebooks that are nearly copies of each other."""

    first: int  # places in the class
    second: int
    cells: int  # alike
    of: int  # cells of the smaller one that count
    tasks: tuple[str, ...]  # the ids of the tasks with alike cells


@dataclass(frozen=True)
class _Cell:
    task: str
    size: int  # tokens
    runs: frozenset[tuple[str, ...]]

    def like(self, other: _Cell) -> bool:
        return len(self.runs & other.runs) >= ALIKE * len(self.runs | other.runs)


def near_copies(notebooks: Sequence[Notebook]) -> list[NearCopy]:
    """Name the pairs of notebooks of which most cells are alike, the most alike first."""
    own = [list(_own(notebook)) for notebook in notebooks]
    alike: dict[tuple[int, int], list[tuple[_Cell, _Cell]]] = {}
    for a, b in combinations(range(len(own)), 2):
        found = [(x, y) for x in own[a] if (y := next((y for y in own[b] if x.task == y.task and x.like(y)), None))]
        if found:
            alike[a, b] = found
    partners: dict[int, int] = {}  # by a cell's identity: notebooks that have one like it
    for pairs in alike.values():
        for cell in (cell for pair in pairs for cell in pair):
            partners[id(cell)] = partners.get(id(cell), 0) + 1
    most = COMMON * len(own) if len(own) >= CLASS else len(own)
    taught = {cell for cell, count in partners.items() if count + 1 > most}
    copies = []
    for (a, b), pairs in alike.items():
        counted = [pair for pair in pairs if id(pair[0]) not in taught and id(pair[1]) not in taught]
        rest = [[cell for cell in own[place] if id(cell) not in taught] for place in (a, b)]
        smaller = min(rest, key=lambda cells: sum(cell.size for cell in cells))
        size, shared = sum(cell.size for cell in smaller), sum(min(x.size, y.size) for x, y in counted)
        if len(counted) >= FEWEST and shared >= COPIED * size:
            tasks = tuple(dict.fromkeys(x.task for x, _ in counted if x.task))
            copies.append((shared / size, NearCopy(a, b, len(counted), len(smaller), tasks)))
    return [copy for _, copy in sorted(copies, key=lambda each: -each[0])]


def _own(notebook: Notebook) -> Iterator[_Cell]:
    """The cells that a student wrote, and that are long enough."""
    for cell in notebook.cells:
        if cell.is_code:
            tokens, shortest = normalised(cell.source), SHORTEST_CODE
        elif cell.role in ("answer", ""):
            tokens, shortest = tuple(re.findall(r"\w+", cell.source.lower())), SHORTEST_TEXT
        else:
            continue
        if len(tokens) >= shortest and tokens not in _given():
            yield _Cell(cell.task, len(tokens), frozenset(zip(*(tokens[at:] for at in range(RUN)), strict=False)))


@cache
def _given() -> frozenset[tuple[str, ...]]:
    """The cells of the edition itself."""
    found = set()
    for edition in editions():
        for cell in json.loads(edition.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            code = cell["cell_type"] == "code"
            found.add(normalised(source) if code else tuple(re.findall(r"\w+", source.lower())))
    return frozenset(found)


def normalised(source: str) -> tuple[str, ...]:
    """The tokens of code: names numbered as they come, texts blanked, without comments and layout."""
    lines = "".join(f"{line}\n" for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
    try:
        tokens = [each for each in tokenize.generate_tokens(io.StringIO(lines).readline) if each.type not in LEFT_OUT]
    except (tokenize.TokenError, SyntaxError):
        return tuple(re.findall(r"\w+|[^\w\s]", lines))
    numbers: dict[str, str] = {}
    return (
        tuple(_plain(before.string, token, numbers) for before, token in pairwise([tokens[0], *tokens]))
        if tokens
        else ()
    )


def _plain(before: str, token: tokenize.TokenInfo, numbers: dict[str, str]) -> str:
    if token.type == tokenize.STRING:
        return '""'
    known = keyword.iskeyword(token.string) or hasattr(builtins, token.string) or before == "."
    if token.type != tokenize.NAME or known:
        return token.string
    return numbers.setdefault(token.string, f"name{len(numbers)}")

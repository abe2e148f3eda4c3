"""Who writes past ``digitwise.outputs``, and why: a new one has to say so here."""

import ast
from pathlib import Path

import digitwise

SOURCE = Path(digitwise.__file__).parent
RAW = {"whole_file", "atomic_write", "atomic_json"}  # of digitwise.files: they do not ask whose a file is
DELETING = {"rmtree", "unlink", "rmdir", "rename", "removedirs"}
KNOWN = {
    "files.py": "whole files themselves",
    "temporaries.py": "what killed processes left, by its name and a lock",
    "outputs": "the rule itself",
    "addresses.py": "files of rows, by the manifest of their job",
    "runs.py": "checkpoints of a run that is in its place",
    "unfinished.py": "a run that is being built",
    "training/saving.py": "a run that is being built",
    "training/trainer.py": "a run that is being built",
    "training/train.py": "a run that is being built",
    "training/sweep.py": "a sweep that is being built",
    "data/download.py": "the cache, by checksum",
    "server/uploads.py": "images that are called by their content",
    "server/review.py": "decisions in the file that is given to be decided in",
    "exporting/finder.py": "the package's own finder, by make model",
    "training/finder/fit.py": "the finder's checkpoint, by make model",
    "training/trust.py": "the package's own table, by make model",
    "exercise/predicting.py": "what that notebook is answered",
}


def names_of(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "digitwise.files":
            yield from (alias.name for alias in node.names if alias.name in RAW)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DELETING:
            yield node.func.attr


def test_code_that_writes_or_deletes_past_the_rule_has_a_reason():
    found = {
        path.relative_to(SOURCE).as_posix(): sorted(set(names_of(ast.parse(path.read_text(encoding="utf-8")))))
        for path in SOURCE.rglob("*.py")
    }
    unknown = {
        name: what
        for name, what in found.items()
        if what and not any(name == known or name.startswith(f"{known}/") for known in KNOWN)
    }
    assert unknown == {}

"""What is written past sys.stderr, seen from outside the process."""

import subprocess
import sys

import pytest

CODE = """
import os, sys
from digitwise.errors import DataError
from digitwise.system import held_back

try:
    with held_back():
        os.write(2, b"greetings\\n")
        print("a word", file=sys.stderr)
        {}
except (DataError, ZeroDivisionError):
    pass
print("later", file=sys.stderr)
os.write(2, b"past\\n")
"""


@pytest.mark.parametrize(
    ("then", "shown"),
    [
        ("pass", "a word\nlater\npast\n"),
        ("raise DataError('no image')", "a word\nlater\npast\n"),
        ("1 / 0", "a word\ngreetings\nlater\npast\n"),
    ],
    ids=["nothing happens", "a refusal", "a surprise"],
)
def test_greetings_are_shown_only_where_something_fails_by_surprise(then, shown):
    done = subprocess.run([sys.executable, "-c", CODE.format(then)], capture_output=True, text=True, check=True)
    assert done.stderr == shown

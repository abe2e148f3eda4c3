"""Calling the command line as a person would, in this process."""

from __future__ import annotations

import json

import pytest

from digitwise.cli.main import main


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def digitwise(capsys):
    """Run a command; its exit code, stdout and stderr come back."""

    def call(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call

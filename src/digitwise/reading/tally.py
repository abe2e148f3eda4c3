"""Counting what was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from digitwise.reading.answers import Answers
from digitwise.reading.expected import Expected
from digitwise.reading.results import Page, Reading
from digitwise.reading.rows import status_of


class Tally:
    """How many pictures, and how many digits, came out in which way.

    A single picture is a digit, unless it is blank; one that cannot be read counts as a digit that is not read.
    """

    def __init__(self) -> None:
        self.pictures: Counter[str] = Counter()
        self.digits = self.read = 0
        self.expected = Expected()

    def add(self, result: Reading | Page) -> None:
        """Count one picture."""
        status = status_of(result)
        self.pictures[status] += 1
        if isinstance(result, Page):
            statuses = [digit.status for line in result.lines for digit in line.digits]
        else:
            statuses = [result.status] if status != "blank" else []
            self.expected.add([result.confidence or 0.0] if status == "read" else [])
        self.digits += len(statuses)
        self.read += statuses.count("read")

    def add_part(self, answers: Answers | list[Reading]) -> None:
        """Count the single pictures of a set's block."""
        if isinstance(answers, list):
            for reading in answers:
                self.add(reading)
            return
        self.expected.add_answers(answers)
        read, blank = int(answers.read.sum()), int(answers.blank.sum())
        self.add_counts({"read": read, "blank": blank, "unsure": len(answers) - read - blank, "error": 0})

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Count single pictures by what became of them."""
        self.pictures.update(counts)
        self.digits += counts["read"] + counts["unsure"] + counts["error"]
        self.read += counts["read"]

    @property
    def share(self) -> float:
        """Of the digits those read surely; 1 where there were none."""
        return self.read / self.digits if self.digits else 1.0

    @property
    def words(self) -> str:
        """In one line: ``1,000 pictures: 990 read, 7 unsure, 2 blank, 1 with an error``."""
        counts, total = self.pictures, sum(self.pictures.values())
        said = f"{total:,} picture{'s' * (total != 1)}: {counts['read']:,} read, {counts['unsure']:,} unsure"
        return f"{said}, {counts['blank']:,} blank, {counts['error']:,} with an error"

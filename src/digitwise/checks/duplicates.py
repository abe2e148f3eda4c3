"""Images that are there more than once: DW010 exact, DW011 near, DW012 with different labels, DW020 leakage."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from digitwise.checks.base import Check, Finding, ImageCheck, NotApplicableError, Severity, Tile
from digitwise.checks.subject import SplitData, Subject
from digitwise.errors import counted
from digitwise.images import Int64

SHOWN = 200  # groups that evidence lists


def groups(names: Int64) -> list[Int64]:
    """Places that share a name, those with two or more, the largest group first."""
    order = np.argsort(names, kind="stable")
    starts = np.flatnonzero(np.diff(names[order], prepend=-1))
    found = [group for group in np.split(order, starts[1:]) if len(group) > 1]
    return sorted(found, key=len, reverse=True)


def own(part: SplitData, subject: Subject, names: Int64) -> Int64:
    """The names of one split's images, of those counted through all splits."""
    start = 0 if part is subject.train else len(subject.train)
    return names[start : start + len(part)]


def within(part: SplitData, subject: Subject, names: Int64) -> list[Int64]:
    """Groups among the images of one split, blank ones left out."""
    found = own(part, subject, names).copy()
    found[part.blank] = -1 - np.flatnonzero(part.blank)  # a group each
    return groups(found - found.min(initial=0))


def _tiles(part: SplitData, found: list[Int64]) -> list[Tile]:
    return [Tile(part.split, int(i), f"{part.name_of(i)} · #{i}") for group in found[:SHOWN] for i in group[:8]]


def _listed(part: SplitData, found: list[Int64]) -> dict[str, Any]:
    """The groups as evidence, and the files of their images in the same order where these are files."""
    shown = [group.tolist() for group in found[:SHOWN]]
    return {"groups": shown, **({"group_files": [part.files_at(group) for group in shown]} if part.raw.files else {})}


class Copies(ImageCheck):
    """The base of exact and near duplicates: all but the first image of a group are surplus."""

    severity: ClassVar[Severity]
    told: ClassVar[str]  # of the surplus images

    @abstractmethod
    def groups_in(self, part: SplitData, subject: Subject) -> list[Int64]:
        """Images that belong together, each group in ascending order."""

    def find_in(self, part: SplitData, subject: Subject) -> Finding | None:
        """The surplus images of all groups."""
        found = self.groups_in(part, subject)
        if not found:
            return None
        surplus = np.sort(np.concatenate([group[1:] for group in found]))
        return self.finding(
            self.severity,
            f"{counted(len(surplus), 'image')} {self.told}, in {counted(len(found), 'group')}",
            indices=surplus,
            evidence={**_listed(part, found), "share": len(surplus) / len(part)},
            split=part.split,
            tiles=_tiles(part, found),
        )


class ExactDuplicates(Copies):
    """DW010."""

    code = "DW010"
    title = "exact duplicates"
    meaning = (
        "The same image, byte for byte. Copies count several times in training, and a random split puts some of "
        "them into validation, which then looks better than it is."
    )
    remedy = (
        "Keep one of each group: findings.json lists the surplus ones, to be taken out at the source. A label patch "
        "knows images by their bytes, so drop would leave out all of a group."
    )
    severity = "warning"
    told = "too many"

    def groups_in(self, part: SplitData, subject: Subject) -> list[Int64]:
        """Equal images."""
        return within(part, subject, subject.likeness.exact)


class NearDuplicates(Copies):
    """DW011."""

    code = "DW011"
    title = "near duplicates"
    meaning = (
        "The same image moved by some pixels, or stored again with loss: it does what an exact copy does, but is not "
        "found by comparing bytes. Two images of one writer may look so alike too."
    )
    remedy = "Look at the groups; keep one of each that is the same image."
    severity = "info"
    told = "much like another"

    def groups_in(self, part: SplitData, subject: Subject) -> list[Int64]:
        """Like images that are not all equal, of equal ones the first."""
        exact = own(part, subject, subject.likeness.exact)
        firsts = [
            np.sort(group[np.unique(exact[group], return_index=True)[1]])
            for group in within(part, subject, subject.likeness.near)
        ]
        return [group for group in firsts if len(group) > 1]


class Contradictions(ImageCheck):
    """DW012."""

    code = "DW012"
    title = "same image, different labels"
    meaning = "One of the labels is wrong. Whatever a model answers, it is counted wrong for one of them."
    remedy = "Look at each group and correct the labels: digitwise check --labels --review, then --patch."

    def find_in(self, part: SplitData, subject: Subject) -> Finding | None:
        """Groups of equal or like images whose labels differ."""
        if not part.labelled:
            if part is subject.train:
                raise NotApplicableError("the images have no labels")
            return None
        found = [group for group in within(part, subject, subject.likeness.near) if len(set(part.classes[group])) > 1]
        if not found:
            return None
        exact = own(part, subject, subject.likeness.exact)
        equal = any(len({(exact[i], part.classes[i]) for i in group}) > len(set(exact[group])) for group in found)
        indices = np.sort(np.concatenate(found))
        return self.finding(
            "error" if equal else "warning",
            f"{counted(len(indices), 'image')} in {counted(len(found), 'group')} of the same image, "
            f"labelled differently",
            indices=indices,
            evidence={**_listed(part, found), "labels": [[part.name_of(i) for i in g] for g in found[:SHOWN]]},
            split=part.split,
            tiles=_tiles(part, found),
        )


class Leakage(Check):
    """DW020."""

    code = "DW020"
    title = "test images that stand in training"
    meaning = (
        "A model has seen these test images with their labels; being right about them proves nothing. The error rate "
        "measured is lower than the one in use."
    )
    remedy = "Take them out of the training set (or out of the test set), and measure again."

    def find(self, subject: Subject) -> list[Finding]:
        """Test images with an equal or like one among the training images."""
        if subject.test is None:
            raise NotApplicableError("there are no test images; give some as against (--against)")
        split = len(subject.train)
        leaks = {how: self._matched(names, split) for how, names in vars(subject.likeness).items()}
        seen = np.concatenate([part.blank for part in subject.parts])
        pairs = {test: (train, "exact") for test, train in leaks["exact"] if not seen[test]}
        for test, train in leaks["near"]:
            if not seen[test]:
                pairs.setdefault(test, (train, "near"))
        if not pairs:
            return []
        exact = sum(how == "exact" for _, how in pairs.values())
        indices = np.array(sorted(test - split for test in pairs), np.int64)
        share = len(indices) / len(subject.test)
        ordered = sorted(pairs.items(), key=lambda pair: (pair[1][1] != "exact", pair[0]))
        return [
            self.finding(
                "error" if exact or share > 0.001 else "warning",
                f"{counted(len(indices), 'image')} of the test set ({share:.2%}) in the training set: "
                f"{exact:,} exact, {len(indices) - exact:,} near",
                indices=indices,
                evidence={
                    "exact": exact,
                    "near": len(indices) - exact,
                    "pairs": [
                        {
                            "test": test - split,
                            "train": train,
                            "how": how,
                            **({"test_file": subject.test.file_of(test - split)} if subject.test.raw.files else {}),
                            **({"train_file": subject.train.file_of(train)} if subject.train.raw.files else {}),
                        }
                        for test, (train, how) in ordered[: 10 * SHOWN]
                    ],
                },
                split="test",
                tiles=list(self._pairs(subject, ordered[:SHOWN], split)),
            )
        ]

    @staticmethod
    def _matched(names: Int64, split: int) -> Iterator[tuple[int, int]]:
        """Test images, counted through both splits, and the first training image of the same name."""
        known, first = np.unique(names[:split], return_index=True)
        place = np.searchsorted(known, names[split:]).clip(max=len(known) - 1)
        matched = known[place] == names[split:]
        return zip((np.flatnonzero(matched) + split).tolist(), first[place[matched]].tolist(), strict=True)

    @staticmethod
    def _pairs(subject: Subject, pairs: list[tuple[int, tuple[int, str]]], split: int) -> Iterator[Tile]:
        assert subject.test is not None
        for test, (train, how) in pairs:
            name = subject.test.name_of(test - split)
            yield Tile("test", test - split, f"test {name} · #{test - split}")
            yield Tile("train", train, f"{how}: {subject.train.name_of(train)} · #{train}")

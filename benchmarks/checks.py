"""Do the checks find what is planted, keep silent on clean data, and keep to their time? On MNIST and Fashion-MNIST."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measure import Row, keep
from benchmarks.speed import command, process
from digitwise.checks import SplitData, Subject, chosen, run_checks
from digitwise.checks.labels import suspicion
from digitwise.checks.orientation import bundled_classifier, usable_in
from digitwise.checks.shift import expected_accuracy
from digitwise.checks.thresholds import TURNED_SAMPLE
from digitwise.data.raw import Raw, read_raw
from digitwise.images import Int64, UInt8
from digitwise.training.watch import Watch
from digitwise.turns import TURNS
from digitwise.workflows.check import with_network

CONFUSED = {0: 6, 1: 7, 2: 7, 3: 5, 4: 9, 5: 3, 6: 0, 7: 1, 8: 3, 9: 4}  # the class each is most often taken for
PLANTED = 200
SEEDS = 1  # of labels flipped in the whole of MNIST, where one differs little from the next
SHARED = Path(os.environ.get("DIGITWISE_DATA", "."))  # of sets that are not fetched by name, see docs/data.md
OPTDIGITS, SEMEION, DRAWN, OLD_PAPER, PHONE = (
    str(SHARED / name)
    for name in (
        "optdigits_train.npz",
        "semeion_first_800.npz",
        "scans/drawn_on_screen_1000.npz",
        "scans/old_paper",
        "scans/digits",
    )
)
TOLD = {PHONE: "phone photos"} | {
    name: f"{Path(name).stem.replace('_', ' ')}, which the model was trained on" for name in (OPTDIGITS, SEMEION)
}
MILLION = 1_000_000


def bench_checks() -> None:
    """Measure, print, keep; the rows of each part are kept as soon as they are there."""
    rows: list[Row] = []
    # Processes first: one started from a process that has trained would be charged with its memory.
    for measure in (clock, million, clean, copies, planted, turned, label_errors, few_or_hard, estimated):
        for row in measure():
            print(f"{row['what']}: {row['measured']} ({row['target']})", flush=True)
            rows.append(row)
            keep("checks", rows)


def label_errors() -> Iterator[Row]:
    """Labels flipped on purpose: how well the ranking and the automatic cut find them again."""
    from sklearn.metrics import average_precision_score

    train = read_raw("mnist")["train"]
    given = np.asarray(train.labels, np.int64)
    for seed in range(SEEDS):
        for share in (0.01, 0.05):
            for kind in ("at random", "to the class most confused with"):
                labels, truth = _flipped(given, share, kind, seed)
                subject = Subject("mnist", SplitData("train", replace(train, labels=labels)))
                learned = with_network(subject, network=False, answers=True, seed=seed, watch=Watch()).learned
                assert learned is not None
                assert learned.probabilities is not None
                found = suspicion(labels, learned.probabilities)
                score = np.empty(len(labels))
                score[found.order] = -np.arange(len(labels))
                hits = int((found.wrong & truth).sum())
                precision, recall = hits / max(found.wrong.sum(), 1), hits / truth.sum()
                goal = {(0.01, "at random"): "0.95", (0.01, "to the class most confused with"): "0.90"}
                cut = "; the cut 0.85 and 0.85" if kind == "at random" else ""
                yield {
                    "what": f"{share:.0%} of the labels flipped {kind}, seed {seed}",
                    "measured": f"average precision {average_precision_score(truth, score):.3f}; "
                    f"the cut has precision {precision:.3f}, recall {recall:.3f}",
                    "target": f"average precision {goal.get((share, kind), '–')}{cut}",
                }


def _flipped(given: Int64, share: float, kind: str, seed: int) -> tuple[Int64, np.ndarray]:
    rng = np.random.default_rng(seed)
    chosen_ones = rng.choice(len(given), int(share * len(given)), replace=False)
    labels, truth = given.copy(), np.zeros(len(given), bool)
    truth[chosen_ones] = True
    other = (given + rng.integers(1, 10, len(given))) % 10
    target = other if kind == "at random" else np.array([CONFUSED[int(c)] for c in given])
    labels[truth] = target[truth]
    return labels, truth


def few_or_hard() -> Iterator[Row]:
    """Labels flipped at random in small sets, in scans that no model here was trained on, and in clothes."""
    for name, n in (
        ("mnist", 300),
        ("mnist", 1_000),
        (OPTDIGITS, 300),
        (OPTDIGITS, 1_000),
        (OLD_PAPER, 300),
        (OLD_PAPER, 600),
        ("fashion-mnist", 1_000),
        ("fashion-mnist", 60_000),
    ):
        raw = read_raw(name)["train"]
        for share in (0.0, 0.01, 0.03):
            told = []
            for seed in range(3 if share and n < 10_000 else 1):
                few = np.random.default_rng(seed).permutation(len(raw.pixels))[:n]
                whole = SplitData("train", raw).classes[few]
                labels, truth = _flipped(whole, share, "at random", seed)
                part = SplitData("train", replace(raw, pixels=raw.pixels[few], labels=labels, files=()))
                subject = Subject(name, part)
                checked = run_checks(
                    with_network(subject, network=False, answers=True, seed=seed, watch=Watch()), chosen(["DW040"])
                )
                named = np.concatenate([f.indices for f in checked.findings] or [np.empty(0, np.int64)])
                silent = "; too hard to tell" if "DW040" in checked.skipped else ""
                told.append(f"{len(named)} named, {truth[named].sum()} of {truth.sum()} flipped ones{silent}")
            what = f"{share:.0%} of the labels of {n:,} images of {_short(name)} flipped at random"
            target = "8 of 10 named are flipped, or silence" if share else f"at most {0.02 * n:.0f} named"
            yield {"what": what, "measured": " | ".join(told), "target": target}


def turned() -> Iterator[Row]:
    """Sets that lie wrong as a whole, and images turned among others; sets as they are, which lie right."""
    for name in ("mnist", "fashion-mnist", OPTDIGITS, SEMEION, DRAWN, OLD_PAPER):
        raw = read_raw(name)
        train = SplitData("train", raw["train"])
        as_it_is = Subject(name, train, SplitData("test", raw["test"]) if "test" in raw else None)
        told = [_turn(as_it_is) or "nothing"]
        for turn in ("transpose", "mirror", "rotate-180"):
            part = SplitData("train", replace(raw["train"], pixels=TURNS[turn](np.asarray(raw["train"].pixels))))
            told.append(f"{turn}: {_turn(Subject(name, part)) or 'nothing'}")
        told.append(f"mirrored test split: {_turn(_turned_test(as_it_is)) or 'nothing'}")
        for share in (0.02, 0.1):
            pixels = np.array(raw["train"].pixels)
            places = np.random.default_rng(7).choice(len(pixels), int(share * len(pixels)), replace=False)
            pixels[places] = TURNS["rotate-90"](pixels[places])
            subject = Subject(name, SplitData("train", replace(raw["train"], pixels=pixels)))
            found = _found(subject, ("DW035",), "train")
            told.append(f"{share:.0%} rotated: {len(found)} named, {np.isin(found, places).sum()} of {len(places)}")
        yield {
            "what": f"DW035 on {_short(name)}, {len(train):,} training images",
            "measured": "as it is: " + "; ".join(told),
            "target": "nothing as it is; the turn of all digits, of any test split; 8 of 10 named are rotated",
        }


def _turned_test(subject: Subject) -> Subject:
    """The set with its test split mirrored; a fifth of the training images where it has none."""
    test, train = subject.test, subject.train
    if test is None:
        held = np.random.default_rng(0).permutation(len(train)) < len(train) // 5
        parts = [
            replace(
                train.raw, pixels=np.asarray(train.raw.pixels)[own], labels=np.asarray(train.raw.labels)[own], files=()
            )
            for own in (~held, held)
        ]
        train, test = SplitData("train", parts[0]), SplitData("test", parts[1])
    mirrored = replace(test.raw, pixels=TURNS["mirror"](np.asarray(test.raw.pixels)))
    return Subject(subject.name, train, SplitData("test", mirrored))


def estimated() -> Iterator[Row]:
    """DW050's accuracy of the bundled model on sets without their labels, from MNIST, against the true one."""
    train = SplitData("train", read_raw("mnist")["train"])
    for name in (OLD_PAPER, PHONE, OPTDIGITS, SEMEION, DRAWN):
        test = SplitData("test", read_raw(name)["train"])
        found = expected_accuracy(Subject("mnist", train, test))
        assert found is not None
        few = np.sort(np.random.default_rng(0).permutation(usable_in(test))[:TURNED_SAMPLE])
        classifier = bundled_classifier(test.class_names)
        right = classifier.probabilities(classifier.prepare(np.asarray(test.images[few]))).argmax(axis=1)
        true = (right == test.classes[few]).mean()
        yield {
            "what": f"DW050, MNIST against {len(few):,} images of {TOLD.get(name, _short(name))}",
            "measured": f"estimated {found[1]:.1%}, true {true:.1%}",
            "target": "within 5 percentage points",
        }


def _turn(subject: Subject) -> str:
    findings = run_checks(subject, chosen(["DW035"])).findings
    return ", ".join(f"{finding.severity} {finding.split}, {finding.evidence['turn']}" for finding in findings)


def _short(name: str) -> str:
    return Path(name).stem.replace("_", " ")


def copies() -> Iterator[Row]:
    """Copies planted in the training set and in the test set: exact, moved by one pixel, stored again as JPEG."""
    train, test = (read_raw("mnist")[split] for split in ("train", "test"))
    rng = np.random.default_rng(0)
    sources = rng.choice(len(train.pixels), 3 * PLANTED, replace=False)
    own = train.pixels[sources]
    planted_ones = {
        "exact": own[:PLANTED],
        "moved by one pixel": np.stack([_moved(image, rng) for image in own[PLANTED : 2 * PLANTED]]),
        "JPEG of quality 75": np.stack([_jpeg(image, 75) for image in own[2 * PLANTED :]]),
    }
    added = np.concatenate(list(planted_ones.values()))
    labels = np.asarray(train.labels)[sources]
    with_copies = Raw(np.concatenate([train.pixels, added]), np.concatenate([train.labels, labels]))
    within = _found(Subject("mnist", SplitData("train", with_copies)), ("DW010", "DW011"), "train")
    leaked = Raw(np.concatenate([test.pixels, added]), np.concatenate([test.labels, labels]))
    across = _found(Subject("mnist", SplitData("train", train), SplitData("test", leaked)), ("DW020",), "test")
    for number, name in enumerate(planted_ones):
        target = "all" if name == "exact" else "98 % or more"
        for where, found, start in (("train", within, len(train.pixels)), ("test", across, len(test.pixels))):
            places = start + number * PLANTED + np.arange(PLANTED)
            hit = np.isin(places, found).mean()
            if where == "train":  # of two equal ones the later counts as surplus; of like ones, either
                hit = (np.isin(places, found) | np.isin(sources[number * PLANTED :][:PLANTED], found)).mean()
            yield {"what": f"{PLANTED} copies, {name}, in {where}", "measured": f"{hit:.1%} found", "target": target}


def _found(subject: Subject, codes: tuple[str, ...], split: str) -> Int64:
    checked = run_checks(subject, chosen(codes))
    indices = [finding.indices for finding in checked.findings if finding.split == split]
    return np.unique(np.concatenate(indices)) if indices else np.empty(0, np.int64)


def _moved(image: UInt8, rng: np.random.Generator) -> UInt8:
    steps = [(-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1)]
    return np.roll(image, steps[rng.integers(len(steps))], axis=(0, 1))


def _jpeg(image: UInt8, quality: int) -> UInt8:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def planted() -> Iterator[Row]:
    """Faults planted singly, each in a place of its own, and in bulk."""
    faults: dict[str, tuple[str, Callable[[UInt8], UInt8]]] = {
        "inverted": ("DW032", lambda image: 255 - image),
        "moved by a quarter of the side": ("DW033", _shifted),
        "at half the size": ("DW033", _halved),
        "blank": ("DW030", np.zeros_like),
        "nearly blank": ("DW030", lambda image: image // 16),
        "0 to 1, stored as uint8": ("DW031", lambda image: (image / 255).round().astype(np.uint8)),
        "at half the contrast": ("DW031", lambda image: image // 2),
    }
    for name in ("mnist", "fashion-mnist"):
        train = read_raw(name)["train"]
        for fault, (code, spoil) in faults.items():
            for how, n in (("single", 1), ("bulk", 3_000)):
                if n == 1:
                    hits = np.mean([_spoilt(train, spoil, code, 1, seed) for seed in range(20)])
                    measured = f"found in {hits:.0%} of 20 tries"
                else:
                    measured = f"{_spoilt(train, spoil, code, n, 0):.1%} found"
                yield {"what": f"{fault}, {how}, {name}", "measured": measured, "target": "found"}


def _spoilt(train: Raw, spoil: Callable[[UInt8], UInt8], code: str, n: int, seed: int) -> float:
    places = np.random.default_rng(seed).choice(10_000, n, replace=False)
    pixels = train.pixels[:10_000].copy()
    pixels[places] = np.stack([spoil(image) for image in pixels[places]])
    part = SplitData("train", replace(train, pixels=pixels, labels=np.asarray(train.labels)[:10_000]))
    return float(np.isin(places, _found(Subject("spoilt", part), (code,), "train")).mean())


def _shifted(image: UInt8, by: int = 7) -> UInt8:
    moved = np.zeros_like(image)
    moved[:, by:] = image[:, :-by]
    return moved


def _halved(image: UInt8) -> UInt8:
    small = np.asarray(Image.fromarray(image).resize((14, 14), Image.Resampling.BOX))
    return np.pad(small, 7)


def clean() -> Iterator[Row]:
    """What the checks say of the sets as they were published."""
    for name in ("mnist", "fashion-mnist"):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                command("check", name, "--out", folder, "--json"), capture_output=True, text=True, check=False
            )
        findings = json.loads(done.stdout)
        told = "; ".join(f"{f['code']} {f['evidence']['split']}: {f['count']}" for f in findings) or "nothing"
        share = sum(f["count"] for f in findings if f["code"] in ("DW010", "DW011")) / 70_000
        yield {
            "what": f"{name} as published",
            "measured": f"{told}; {share:.3%} of the images flagged as copies",
            "target": "nothing but what is really there; fewer than 0.2 % flagged as copies",
        }


def clock() -> Iterator[Row]:
    """Whole processes on MNIST's 70,000 images."""
    for options, target in (((), "25 s, 3 GB"), (("--labels",), "90 s, 3 GB")):
        for repeat in range(3):
            with tempfile.TemporaryDirectory() as folder:
                wall, peak = process(command("check", "mnist", "--out", folder, *options))
            yield {
                "what": f"digitwise check mnist {' '.join(options)}".strip() + f", repeat {repeat}",
                "measured": f"{wall:.1f} s, {peak:.2f} GiB",
                "target": f"at most {target}",
                "seconds": round(wall, 1),
            }


def million() -> Iterator[Row]:
    """A million images on disk, MNIST's training images moved about, through the checks of copies and pixels."""
    pixels = read_raw("mnist")["train"].pixels
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(0)
        with (folder / "train-images-idx3-ubyte").open("wb") as file:
            file.write(bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in (MILLION, 28, 28)))
            for _ in range(0, MILLION, 10_000):
                block = pixels[rng.integers(0, len(pixels), 10_000)].astype(np.int16)
                noise = rng.integers(-12, 13, block.shape, dtype=np.int16)  # so that no two are the same
                noise[:, ::2, ::2] *= 4
                file.write(np.where(block > 0, block + noise, 0).clip(0, 255).astype(np.uint8).tobytes())
        codes = "DW010,DW011,DW030,DW031,DW032,DW033"
        arguments = command("check", name, "--select", codes, "--out", f"{name}/out")
        wall, peak = process(arguments, codes=(0, 1))
        findings = json.loads((folder / "out" / "findings.json").read_text())
        told = "; ".join(f"{finding['code']}: {finding['count']}" for finding in findings)
        yield {
            "what": "1,000,000 images through the checks of copies and pixels",
            "measured": f"{wall:.0f} s, {peak:.2f} GiB; {told or 'nothing found'}",
            "target": "under 4 GB",
            "seconds": round(wall, 1),
        }

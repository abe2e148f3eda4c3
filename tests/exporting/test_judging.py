"""A reader judged and calibrated on labelled images of its user's own."""

import dataclasses
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import digitwise
from digitwise import DataError, ModelError, Reader
from digitwise.exporting.judging import Judged, calibrated, judged, write_calibrated
from digitwise.reading.answers import Answers
from digitwise.reading.inputs import labelled_files
from tests.shards import png
from tests.templates import printed

NAMES = tuple("0123456789")


@pytest.fixture
def scans(tmp_path):
    """Two images of each of three digits, and one in a folder that tells it wrongly."""
    for digit in "247":
        folder = tmp_path / "scans" / digit
        folder.mkdir(parents=True)
        for size in (60, 90):
            printed(digit, size).save(folder / f"{size}.png")
    printed("3").save(tmp_path / "scans" / "7" / "three.png")
    return tmp_path / "scans"


def answers_of(confidence, right, rng):
    """Answers with given confidences: the label is 0, and a wrong answer 1."""
    n = len(confidence)
    shares = np.full((n, 10), 0.0, np.float32)
    shares[np.arange(n), np.where(right, 0, 1)] = confidence
    shares[np.arange(n), np.where(right, 1, 0)] = 1 - confidence
    yes = np.ones(n, bool)
    return Judged((), np.zeros(n, np.int64), Answers(shares, ~yes, yes, NAMES, rng.random(n) < 0.95))


def test_a_folder_is_judged(model_file, scans):
    found = judged(Reader(model_file), scans)
    values = found.as_dict()
    assert (values["n"], values["errors"], values["blank"]) == (7, 1, 0)
    assert values["read"] + values["unsure"] == 7
    assert [(row["file"], row["label"], row["read_as"]) for row in values["misread"]] == [
        (str(scans / "7" / "three.png"), "7", "3")
    ]
    json.dumps(values)


def test_a_blank_counts_as_wrong_whatever_its_label(model_file, tmp_path):
    for digit in "01":
        (tmp_path / digit).mkdir()
        printed(digit, paper=200, ink=200).save(tmp_path / digit / "nothing.png")
    values = judged(Reader(model_file), tmp_path).as_dict()
    assert (values["errors"], values["blank"], [row["status"] for row in values["misread"]]) == (2, 2, ["blank"] * 2)


@pytest.mark.parametrize("head", ["file,label", "Path;Digit", "\ufeffimage,class"])
def test_a_table_of_paths_gives_the_same_as_folders(scans, head):
    mark = ";" if ";" in head else ","
    rows = [f"{place}/{size}.png{mark}{place}" for place in "247" for size in (60, 90)]
    (scans / "truth.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    files, labels = labelled_files(scans / "truth.csv", NAMES)
    assert [file.is_file() for file in files] == [True] * 6
    assert labels.tolist() == [2, 2, 4, 4, 7, 7]


def test_unlabelled_data_is_refused(scans, tmp_path):
    with pytest.raises(DataError, match="got nothing there"):
        labelled_files(tmp_path / "nowhere", NAMES)
    with pytest.raises(DataError, match="knows, 0, 1; got '2'"):
        labelled_files(scans, ("0", "1"))
    (tmp_path / "a.csv").write_text("file,size\nx.png,3\n")
    with pytest.raises(DataError, match="column of labels"):
        labelled_files(tmp_path / "a.csv", NAMES)
    (tmp_path / "a.csv").write_text("file,label\nx.png,\n")
    with pytest.raises(DataError, match="line 2: expected something in the column label"):
        labelled_files(tmp_path / "a.csv", NAMES)


SIZE = 60


def arrays(classes="247"):
    """Printed digits, each twice, on paper of one size, and their labels."""
    images = np.full((2 * len(classes), 100, 100), 240, np.uint8)
    for image, digit in zip(images, np.repeat(list(classes), 2), strict=True):
        ink = np.asarray(printed(str(digit), SIZE))
        image[: ink.shape[0], : ink.shape[1]] = ink
    return images, np.repeat([int(digit) for digit in classes], 2)


def npz(folder):
    images, labels = arrays()
    np.savez(folder / "set.npz", x_train=images[:1], y_train=[9], x_test=images, y_test=labels)
    return folder / "set.npz"


def packed_csv(folder):
    images, labels = arrays()
    table, head = np.column_stack([labels, images.reshape(len(images), -1)]), "label" + ",pixel" * 10_000
    np.savetxt(folder / "set.csv.gz", table, "%d", ",", header=head, comments="")
    return folder / "set.csv.gz"


def parquet_of_files(folder):
    images, labels = arrays()
    (folder / "set").mkdir()
    table = pa.table({"image": [png(image) for image in images], "label": [str(label) for label in labels]})
    pq.write_table(table, folder / "set" / "a.parquet")
    return folder / "set"


def train_and_test(folder):
    for split, digits in (("train", "12"), ("test", "247")):
        for digit in digits:
            (folder / split / digit).mkdir(parents=True)
            for name in "ab":
                printed(digit, SIZE).save(folder / split / digit / f"{name}.png")
    return folder


SETS = {"npz": npz, "csv.gz": packed_csv, "parquet of files": parquet_of_files, "folders": train_and_test}


@pytest.mark.parametrize("write", SETS.values(), ids=SETS)
def test_the_test_images_of_any_form_are_judged(model_file, tmp_path, write):
    found = judged(Reader(model_file), write(tmp_path))
    assert found.labels.tolist() == [2, 2, 4, 4, 7, 7]
    assert not found.wrong.any()


def test_a_named_set_is_judged():
    values = judged(Reader(), "digits").as_dict()
    assert values["n"] == 360
    assert values["misread"][0]["file"].startswith("digits, row ")


def test_a_row_of_another_class_is_told(model_file, tmp_path):
    images, _ = arrays()
    np.savez(tmp_path / "own.npz", images=images, labels=[0, 1, 2, 3, 4, 12])
    with pytest.raises(DataError, match=r"own\.npz, images, labels: expected labels that the model knows.*got '12'"):
        judged(Reader(model_file), tmp_path / "own.npz")


def test_an_image_that_cannot_be_read_is_named(model_file, scans):
    (scans / "2" / "broken.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"broken\.png.*1 of 8 cannot be read"):
        judged(Reader(model_file), scans)


def test_a_guarantee_fails_in_at_most_a_twentieth_of_the_cases():
    """Thousand times some hundred images of a kind whose true error rate at each confidence is known."""
    rng = np.random.default_rng(0)
    broken = held = 0
    for _ in range(1_000):
        confidence = 1 - 0.4 * rng.random(400) ** 3
        right = rng.random(400) < 1 - 0.6 * (1 - confidence)
        for policy in calibrated(answers_of(confidence, right, rng), (0.02, 0.05)).policies:
            # The policy's threshold is of powers of the probabilities: find the confidence that it is.
            line = np.linspace(0.6, 1, 4_001)
            powers = line ** (1 / 0.7) / (line ** (1 / 0.7) + (1 - line) ** (1 / 0.7))
            least = line[min(np.searchsorted(powers, policy.threshold), 4_000)]
            spread = 1 - 0.4 * rng.random(20_000) ** 3
            true = 0.6 * (1 - spread[spread >= least]).mean()
            broken, held = broken + (true > policy.max_error), held + 1
    assert held > 1_000
    assert broken / held <= 0.05


def test_the_copy_of_a_model_keeps_the_guarantee(model_file, tmp_path):
    rng = np.random.default_rng(1)
    confidence = 0.7 + 0.3 * rng.random(600)
    found = calibrated(answers_of(confidence, confidence > 0.8, rng), (0.001, 0.02))
    assert [level for level, _ in found.refused] == [0.001]
    assert found.refused[0][1] > 3_000
    out = tmp_path / "mine.onnx"
    write_calibrated(model_file, found, out)
    (policy,) = Reader(out).model.card.policies
    shares = np.zeros((2, 10), np.float32)
    shares[:, 0], shares[:, 1] = [0.83, 0.75], [0.17, 0.25]
    assert policy.sure(shares).tolist() == [True, False]
    write_calibrated(model_file, found, out)
    (tmp_path / "notes.onnx").write_text("mine")
    with pytest.raises(ModelError, match="notes"):
        write_calibrated(model_file, found, tmp_path / "notes.onnx")


def test_images_without_a_sure_answer_cannot_calibrate():
    rng = np.random.default_rng(2)
    found = answers_of(np.full(5, 0.9), np.ones(5, bool), rng)
    blank = dataclasses.replace(found.answers, blank=np.ones(5, bool))
    with pytest.raises(DataError, match="never sure"):
        calibrated(dataclasses.replace(found, answers=blank))


def test_images_in_memory_are_judged_as_files_are(model_file, scans):
    from_files = judged(Reader(model_file), scans)
    images = [Image.open(file) for file in from_files.files]
    given = (images, [NAMES[label] for label in from_files.labels])
    found = judged(Reader(model_file), given)
    assert (found.answers.probabilities == from_files.answers.probabilities).all()
    assert [row["file"] for row in found.as_dict()["misread"]] == [
        f"arrays, row {from_files.files.index(str(scans / '7' / 'three.png'))}"
    ]
    stacked = np.stack([np.asarray(printed("2", 60).convert("L"))] * 2)
    assert judged(Reader(model_file), (stacked / 255, [2, 2])).labels.tolist() == [2, 2]
    with pytest.raises(DataError, match="labels that the model knows"):
        judged(Reader(model_file), (stacked, ["two", "two"]))


@pytest.mark.usefixtures("numbers")
def test_calibrating_is_the_same_from_python(model_file, tmp_path):
    images = [printed(digit, size) for digit in "247" for size in range(40, 74)]
    labels = [digit for digit in "247" for _ in range(40, 74)]
    out = tmp_path / "mine.onnx"
    found = digitwise.calibrate((images, labels), model_file, max_error=0.1, out=out)
    assert [policy.max_error for policy in found.policies] == [0.05, 0.1]
    assert [policy.max_error for policy in Reader(out).model.card.policies] == [0.05, 0.1]
    with pytest.raises(digitwise.RunError, match="it takes at least 3,") as told:
        digitwise.calibrate((images, labels), model_file, max_error=0.001, out=tmp_path / "none.onnx")
    assert told.value.argument == "data"

"""The label of a table: by its name, by its values, or by choice."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from digitwise.data import load
from digitwise.data.raw import read_raw
from digitwise.errors import DataError
from digitwise.formats import open_images, open_splits
from digitwise.formats.columns import layout, ordinal
from tests.helpers import glyphs

IMAGES = glyphs(40)
LABELS = np.arange(40) * 7 % 10
PIXELS = [f"pixel{place}" for place in range(784)]


def as_csv(path, names, table, separator=",", quote=csv.QUOTE_MINIMAL, encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, delimiter=separator, quoting=quote)
        writer.writerows([*([names] if names else []), *table.tolist()])
    return path


def as_parquet(path, names, table, **_):
    path = path.with_suffix(".parquet")
    whole = [column.astype(np.int64) if (column == column.round()).all() else column for column in table.T]
    pq.write_table(pa.table(dict(zip(names or map(str, range(table.shape[1])), whole, strict=True))), path)
    return path


def streamed(path):
    """The images as digitwise read takes them."""
    return np.concatenate(list(open_images(path, max_pixels=10_000).images(7))).reshape(-1, 28, 28)


def with_label(place, images=IMAGES, labels=LABELS):
    flat = images.reshape(len(images), -1)
    return np.insert(flat.astype(np.int64), place if place >= 0 else flat.shape[1] + 1 + place, labels, axis=1)


def named(place, name, pixels=PIXELS):
    names = list(pixels)
    names.insert(place if place >= 0 else len(names), name)
    return names


def found(path, **how):
    dataset = load(path, **how)
    images = np.concatenate([dataset.train.images, dataset.test.images])
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    return sorted((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)), dataset.notes


WANTED = sorted((image.tobytes(), int(label)) for image, label in zip(IMAGES, LABELS, strict=True))
every_table = pytest.mark.parametrize("write", [as_csv, as_parquet], ids=["csv", "parquet"])


@every_table
@pytest.mark.parametrize("name", ["label", "Class", "TARGET", "y", " digit "])
@pytest.mark.parametrize("place", [0, -1, 300], ids=["first", "last", "amid"])
def test_the_label_is_found_by_its_name(tmp_path, write, name, place):
    pairs, notes = found(write(tmp_path / "own.csv", named(place, name), with_label(place)))
    assert pairs == WANTED
    assert notes[0].startswith(f"label: column {name.strip()!r}" if write is as_csv else f"label: column {name!r}")


@every_table
@pytest.mark.parametrize("place", [0, -1], ids=["first", "last"])
def test_without_a_name_the_label_is_found_by_its_values(tmp_path, write, place):
    path = write(tmp_path / "own.csv", None, with_label(place))
    pairs, notes = found(path)
    assert pairs == WANTED
    assert ("first" if place == 0 else "last") in notes[0]
    assert notes[0].endswith("by its values")
    splits = read_raw(path).values()
    checked = [pair for raw in splits for pair in zip(raw.pixels, raw.labels, strict=True)]
    assert sorted((image.tobytes(), int(label)) for image, label in checked) == WANTED
    assert sorted(map(bytes, streamed(path))) == [image for image, _ in WANTED]


def test_quotes_around_names_and_values_are_no_part_of_them(tmp_path):
    path = as_csv(tmp_path / "own.csv", named(-1, "class"), with_label(-1), quote=csv.QUOTE_ALL)
    assert found(path)[0] == WANTED


@pytest.mark.parametrize("sort", [False, True], ids=["mixed", "sorted by class"])
@pytest.mark.parametrize("high", [1, 16, 255])
@pytest.mark.parametrize("place", [0, -1], ids=["first", "last"])
def test_ink_up_to_the_rim_is_not_taken_for_a_label(tmp_path, place, high, sort):
    rng = np.random.default_rng(0)
    labels = np.arange(3_000) % 10
    images = rng.integers(0, high + 1, (3_000, 8, 8)) * (rng.random((3_000, 8, 8)) < 0.2)
    labels = np.sort(labels) if sort else rng.permutation(labels)
    path = as_csv(tmp_path / "own.csv", None, with_label(place, images, labels))
    table = open_splits(path)["train"]
    assert np.array_equal(table.whole().labels, labels)


@pytest.mark.parametrize("rows", [2, 5, 20, 300])
@pytest.mark.parametrize("place", ["first", "last"])
def test_few_rows_of_real_digits_are_never_misunderstood(rows, place):
    from sklearn.datasets import load_digits

    digits = load_digits()
    for seed in range(20):
        chosen = np.random.default_rng(seed).choice(len(digits.data), rows, replace=False)
        pixels, labels = digits.data[chosen], digits.target[chosen]
        table = np.column_stack([labels, pixels] if place == "first" else [pixels, labels])
        try:
            label = layout(None, table, "own.csv").label
        except DataError:
            assert rows <= 5
        else:
            assert label == (0 if place == "first" else 64)


@every_table
def test_two_columns_that_may_be_the_label_are_refused_with_the_option(tmp_path, write):
    rng = np.random.default_rng(0)
    images = IMAGES.copy()
    images[:, -1, -1] = rng.permutation(LABELS)
    path = write(tmp_path / "own.csv", None, with_label(0, images))
    for read in (load, read_raw, streamed):
        with pytest.raises(DataError, match=r"may both be that; name it by --label-column NAME, first or last") as told:
            read(path)
        assert "\n" not in str(told.value)
    for chosen, labels in (("first", LABELS), ("last", images[:, -1, -1])):
        assert np.array_equal(open_splits(path, label_column=chosen)["train"].whole().labels, labels)


@every_table
def test_a_column_is_the_label_by_choice(tmp_path, write):
    path = write(tmp_path / "own.csv", named(-1, "What"), with_label(-1))
    for chosen in ("What", "what", "last"):
        assert found(path, label_column=chosen)[0] == WANTED
    with pytest.raises(
        DataError,
        match=r"label_column other \(.*\): expected a name in the header, first or last, got pixel0",
    ):
        load(path, label_column="other")


def test_a_choice_of_column_is_refused_where_there_is_no_table(tmp_path):
    np.savez(tmp_path / "own.npz", images=IMAGES, labels=LABELS)
    for data in ("digits", tmp_path / "own.npz"):
        with pytest.raises(DataError, match=r"expected label_column \(--label-column\) with a table"):
            load(data, label_column="label")


@every_table
@pytest.mark.parametrize("name", ["", "index", "Id", None])
@pytest.mark.parametrize("label", ["label", None])
def test_a_column_that_numbers_the_rows_is_left_out(tmp_path, write, name, label):
    table = np.column_stack([np.arange(40), with_label(0)])
    names = [name, label or "first", *PIXELS] if name is not None else None
    pairs, notes = found(write(tmp_path / "own.csv", names, table))
    assert pairs == WANTED
    assert any("numbers the rows and is left out" in note for note in notes)


def test_numbers_of_rows_alone_are_no_labels(tmp_path):
    path = as_csv(tmp_path / "own.csv", None, np.column_stack([np.arange(1, 41), IMAGES.reshape(40, -1)]))
    raw = read_raw(path)["train"]
    assert raw.labels is None
    assert (raw.pixels == IMAGES).all()
    with pytest.raises(DataError, match="expected a label for each image"):
        load(path)


@pytest.mark.parametrize("separator", [",", ";", "\t", " "], ids=["comma", "semicolon", "tab", "space"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"], ids=["plain", "mark in front"])
@pytest.mark.parametrize("header", [True, False], ids=["header", "no header"])
def test_cells_may_stand_between_other_marks(tmp_path, separator, encoding, header):
    names = named(0, "label") if header else None
    path = as_csv(tmp_path / "own.csv", names, with_label(0), separator=separator, encoding=encoding)
    assert found(path)[0] == WANTED


@pytest.mark.parametrize("name", ["optdigits.tra", "zip.train", "noname"])
def test_text_of_numbers_is_a_table_whatever_its_name(tmp_path, name):
    separator = " " if name == "zip.train" else ","
    assert found(as_csv(tmp_path / name, None, with_label(-1), separator=separator))[0] == WANTED


@pytest.mark.parametrize("separator", [";", "\t"], ids=["semicolon", "tab"])
def test_a_comma_between_digits_is_a_decimal_one(tmp_path, separator):
    rows = [
        separator.join([str(label), *(f"{value / 255:.6f}".replace(".", ",") for value in image.ravel())])
        for image, label in zip(IMAGES, LABELS, strict=True)
    ]
    (tmp_path / "own.csv").write_text("\n".join(rows))
    assert found(tmp_path / "own.csv")[0] == WANTED


@every_table
def test_shares_of_white_are_brought_to_255_and_said(tmp_path, write):
    flat = IMAGES.reshape(40, -1) / 255
    pairs, notes = found(write(tmp_path / "own.csv", named(0, "label"), np.column_stack([LABELS, flat])))
    assert pairs == WANTED
    assert "pixels 0 to 1, brought to 0 to 255" in notes


def test_names_that_give_row_and_column_tell_the_size(tmp_path):
    wide = IMAGES[:, :20]
    names = ["label", *(f"{row}x{column}" for row in range(1, 21) for column in range(1, 29))]
    path = as_csv(tmp_path / "own.csv", names, with_label(0, wide))
    dataset = load(path)
    assert dataset.train.image_shape == (20, 28, 1)


@every_table
@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (768, "expected a square number of pixels .* got 769 columns, 768 of them beside the label$"),
        (785, "got 786 columns, 785 of them beside the label; take out what is no pixel"),
    ],
    ids=["not square", "one too many"],
)
def test_other_numbers_of_pixels_are_refused_in_one_line(tmp_path, write, pixels, words):
    table = np.column_stack([LABELS, np.resize(IMAGES.reshape(40, -1), (40, pixels))])
    path = write(tmp_path / "own.csv", ["label", *(f"p{place}" for place in range(pixels))], table)
    for read in (load, read_raw):
        with pytest.raises(DataError, match=words) as told:
            read(path)
        assert "\n" not in str(told.value)


def test_some_wrong_labels_do_not_hide_the_column(tmp_path):
    table = with_label(0).astype(float)
    table[3, 0], table[4, 0] = -1, np.nan
    raw = read_raw(as_csv(tmp_path / "own.csv", None, table))["train"]
    assert raw.labels[3] == -1
    assert np.isnan(raw.labels[4])


def test_ordinals_are_said_as_people_do():
    numbers = (1, 2, 3, 4, 11, 12, 13, 21, 22, 31, 101, 111, 112, 123)
    told = "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 31st 101st 111th 112th 123rd"
    assert " ".join(map(ordinal, numbers)) == told

"""Arrays by name in files of other programs: which are taken, how images lie in them, and what is refused."""

import gzip
import struct
import zlib

import numpy as np
import pytest

from digitwise.data import load
from digitwise.data.raw import read_raw
from digitwise.errors import DataError
from digitwise.formats import kind_of, open_images, open_splits
from tests.archives import by_columns, write_hdf5, write_libsvm, write_mat, write_mat73
from tests.formats.test_columns import IMAGES, LABELS, WANTED, found
from tests.helpers import glyphs

FLAT = IMAGES.reshape(40, -1)
TENS = np.where(LABELS == 0, 10, LABELS).astype(float)
TURNED = "images stored column by column, as MATLAB does, turned upright"
TEN = "labels 1 to 10: 10 stands for 0"


def upright(n=60):
    """Images of which those labelled 1 are a tall stroke, and their labels."""
    images, labels = glyphs(n), np.arange(n) % 10
    images[labels == 1] = 0
    images[labels == 1, 5:23, 13:15] = 255
    return images, labels


def pixels(dataset):
    return sorted(map(bytes, np.concatenate([dataset.train.images, dataset.test.images])))


@pytest.mark.parametrize(
    "names",
    [
        "images labels",
        "X y",
        "data target",
        "input_data target_data",
        "x_train y_train",
        "trainX trainY",
        "Data Labels",
    ],
)
@pytest.mark.parametrize("flat", [True, False], ids=["flat", "square"])
def test_names_in_an_archive_tell_images_and_labels(tmp_path, names, flat):
    images, labels = names.split()
    np.savez(tmp_path / "own.npz", **{images: FLAT if flat else IMAGES, labels: LABELS})
    assert found(tmp_path / "own.npz")[0] == WANTED
    write_hdf5(tmp_path / "own.h5", **{images: FLAT if flat else IMAGES, labels: LABELS})
    assert found(tmp_path / "own.h5")[0] == WANTED


@pytest.mark.parametrize("mark", ["_", "/", "-"])
def test_parts_of_a_set_are_told_by_names(tmp_path, mark):
    arrays = {f"train{mark}data": IMAGES[:20], f"train{mark}target": LABELS[:20]}
    arrays |= {f"test{mark}data": IMAGES[20:], f"test{mark}target": LABELS[20:]}
    arrays |= {f"val{mark}data": IMAGES[:2], f"val{mark}target": LABELS[:2]}
    write_hdf5(tmp_path / "own.hdf5", **{name.replace("/", "__"): array for name, array in arrays.items()})
    dataset = load(tmp_path / "own.hdf5")
    assert (dataset.train.images == IMAGES[:20]).all()
    assert (dataset.test.labels == LABELS[20:]).all()
    assert dataset.notes == (f"left out, to validate with: val{mark}data, val{mark}target",)


def test_of_flat_and_square_images_the_square_ones_are_taken(tmp_path):
    np.savez(tmp_path / "own.npz", data=FLAT, images=IMAGES, target=LABELS)
    assert open_splits(tmp_path / "own.npz")["train"].note == "images"


def test_two_arrays_for_one_part_are_refused(tmp_path):
    np.savez(tmp_path / "own.npz", data=FLAT, x=FLAT, y=LABELS)
    with pytest.raises(DataError, match="expected one array for each part, got data and x; take one out"):
        load(tmp_path / "own.npz")


every_version = pytest.mark.parametrize("write", [write_mat, write_mat73], ids=["7", "7.3"])


@every_version
@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0)], ids=["first", "last"])
def test_square_images_of_matlab_lie_as_it_shows_them(tmp_path, write, axes):
    path = write(tmp_path / "own.mat", images=IMAGES.transpose(axes), labels=LABELS[None].astype(float))
    pairs, notes = found(path)
    assert pairs == WANTED
    assert TURNED not in notes


@every_version
@pytest.mark.parametrize("one_row_an_image", [True, False], ids=["rows", "columns"])
def test_flat_images_of_matlab_are_turned_upright(tmp_path, write, one_row_an_image):
    images, labels = upright()
    flat, tens = by_columns(images), np.where(labels == 0, 10, labels).astype(float)[:, None]
    dataset = load(write(tmp_path / "own.mat", X=flat if one_row_an_image else flat.T, y=tens))
    assert pixels(dataset) == sorted(map(bytes, images))
    assert {TURNED, TEN} <= set(dataset.notes)


@every_version
@pytest.mark.parametrize("stored", ["by rows", "by columns"])
def test_the_digit_1_tells_whether_flat_images_are_stored_by_rows(tmp_path, write, stored):
    images, labels = upright()
    flat = images.reshape(60, -1) if stored == "by rows" else by_columns(images)
    path = write(tmp_path / "mnist-original.mat", data=flat.T, label=labels[None].astype(float))
    dataset = load(path)
    assert pixels(dataset) == sorted(map(bytes, images))
    assert (TURNED in dataset.notes) == (stored == "by columns")


@every_version
def test_colour_images_lie_as_in_svhn(tmp_path, write):
    colour = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    path = write(tmp_path / "train_32x32.mat", X=colour.transpose(1, 2, 3, 0), y=TENS[:, None].astype(np.uint8))
    dataset = load(path)
    assert dataset.train.image_shape == (32, 32, 3)
    assert pixels(dataset) == sorted(map(bytes, colour))
    assert TEN in dataset.notes
    blocks = list(open_images(path, max_pixels=10_000).images(7))
    assert max(map(len, blocks)) == 7
    assert (np.concatenate(blocks) == colour).all()


def test_pixels_that_overshoot_0_to_1_are_cut_as_in_ex3data1(tmp_path):
    values = by_columns(IMAGES) / 255
    values[0, 0], values[1, 1] = -0.13, 1.128
    dataset = load(write_mat(tmp_path / "ex3data1.mat", X=values, y=TENS[:, None]))
    assert "pixels 0 to 1, brought to 0 to 255, and cut where they lie outside" in dataset.notes
    assert len(dataset.train) + len(dataset.test) == 40


@pytest.mark.parametrize("read", [load, read_raw])
def test_only_arrays_of_numbers_are_taken(tmp_path, read):
    path = write_mat(tmp_path / "own.mat", dataset=[{"images": IMAGES}, {"images": FLAT}], names={"a": "b"})
    with pytest.raises(DataError, match=r"expected arrays of numbers, such as X and y, got dataset \(cell\), names"):
        read(path)


def test_structs_of_matlab_hold_a_set_as_emnist_has_it(tmp_path):
    images, labels = upright()
    parts = {
        split: {"images": by_columns(images[place]), "labels": labels[place, None].astype(float), "writers": labels}
        for split, place in (("train", slice(None, 40)), ("test", slice(40, None)))
    }
    mapping = np.stack([np.arange(10), np.arange(48, 58)], axis=1)
    path = write_mat(tmp_path / "emnist-digits.mat", dataset={**parts, "mapping": mapping})
    dataset = load(path)
    assert dataset.notes == (TURNED,)
    assert (dataset.train.images == images[:40]).all()
    assert dataset.test.labels.tolist() == labels[40:].tolist()
    assert read_raw(path)["test"].labels.ravel().tolist() == labels[40:].tolist()
    assert len(next(open_images(path, max_pixels=10_000).images(7))) == 7


def test_a_set_in_a_group_of_hdf5_is_found(tmp_path):
    arrays = {
        "train__images": IMAGES[:30],
        "train__labels": LABELS[:30],
        "test__images": IMAGES,
        "test__labels": LABELS,
    }
    dataset = load(write_hdf5(tmp_path / "own.h5", **{f"mnist__{name}": array for name, array in arrays.items()}))
    assert (len(dataset.train), len(dataset.test)) == (30, 40)


def test_matlab_images_that_take_more_than_half_of_the_memory_are_refused(tmp_path, monkeypatch):
    path = write_mat(tmp_path / "own.mat", X=np.zeros((40, 784)), y=TENS[:, None])
    monkeypatch.setattr("digitwise.formats.room.memory_available", lambda: 400_000)
    monkeypatch.setattr("scipy.io.loadmat", None)
    with pytest.raises(DataError, match=r"an array of shape \(40, 784\) takes 0.00 GB|its content takes more than"):
        load(path)


def matrix_tags(columns, kind, size):
    """A variable Z of uint8 of one row up to its numbers: its class, sizes and name, and the tag of the numbers."""
    tags = struct.pack("<4I", 6, 8, 9, 0) + struct.pack("<2I2i", 5, 8, 1, columns) + struct.pack("<2HI", 1, 1, ord("Z"))
    return struct.pack("<2I", 14, len(tags) + 8 + size) + tags + struct.pack("<2I", kind, size)


@pytest.mark.parametrize("is_packed", [True, False], ids=["packed", "plain"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (matrix_tags(8, 40, 8) + bytes(8), "expected an element of numbers, got one of type 40"),
        (matrix_tags(8, 14, 8) + bytes(8), "expected an element of numbers, got one of type 14"),
        (matrix_tags(2, 0x2000B, 0), "expected an element of numbers, got one of type 11"),
        (matrix_tags(8, 2, 8).replace(struct.pack("<2I", 5, 8), struct.pack("<2I", 5, 4)), "2 to 32 axes"),
        (matrix_tags(8, 2, 8).replace(struct.pack("<2I", 6, 8), struct.pack("<2I", 6, 0)), "begins with its class"),
        (matrix_tags(8, 2, 8)[:-8], "got one that is cut off"),
    ],
)
def test_types_that_end_a_process_are_refused_before_scipy_reads_them(tmp_path, content, told, is_packed):
    packed = zlib.compress(content)
    whole = struct.pack("<2I", 15, len(packed)) + packed if is_packed else content
    path = write_mat(tmp_path / "own.mat", X=FLAT, y=TENS[:, None])
    path.write_bytes(path.read_bytes() + whole)
    with pytest.raises(DataError, match=rf"own\.mat: damaged MATLAB file: .*{told}"):
        load(path)


def test_a_tree_of_hdf5_that_is_its_own_neighbour_does_not_hold_up(tmp_path):
    path = write_hdf5(tmp_path / "own.h5", images=IMAGES, labels=LABELS)
    content = bytearray(path.read_bytes())
    tree = content.index(b"TREE")
    content[tree + 16 : tree + 24] = struct.pack("<Q", tree)  # its right neighbour
    path.write_bytes(content)
    assert len(load(path).train) + len(load(path).test) == len(IMAGES)


def test_hdf5_with_a_group_that_holds_itself_is_looked_through_once(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = write_hdf5(tmp_path / "own.h5", images=IMAGES, labels=LABELS)
    with h5py.File(path, "a") as file:
        file["again"] = file["/"]
        more = file.create_group("more")
        more["again"] = more
    assert len(load(path).train) + len(load(path).test) == len(IMAGES)


def test_a_variable_that_unpacks_to_more_than_its_header_says_is_refused(tmp_path, monkeypatch):
    path = write_mat(tmp_path / "own.mat", X=FLAT, y=TENS[:, None])
    bomb = zlib.compress(matrix_tags(10**7, 2, 10**7) + bytes(10**7))
    path.write_bytes(path.read_bytes() + struct.pack("<II", 15, len(bomb)) + bomb)
    monkeypatch.setattr("digitwise.formats.room.memory_available", lambda: 4 * 10**6)
    with pytest.raises(
        DataError,
        match=r"own\.mat: its content takes more than 0.00 GB in memory: expected at most",
    ):
        load(path)


def test_hdf5_that_claims_more_than_memory_holds_is_not_loaded(tmp_path):
    import h5py

    with h5py.File(tmp_path / "own.h5", "w") as file:
        file.create_dataset("images", (10**9, 28, 28), "u1", chunks=(1, 28, 28))
        file.create_dataset("labels", (10**9,), "u1", chunks=(10**6,))
    for read in (load, read_raw):
        with pytest.raises(DataError, match=r"an array of shape \(1000000000, 28, 28\) takes 784.00 GB"):
            read(tmp_path / "own.h5")
    assert len(next(open_images(tmp_path / "own.h5", max_pixels=10_000).images(7))) == 7


def test_links_of_hdf5_to_other_files_are_not_followed(tmp_path):
    import h5py

    write_hdf5(tmp_path / "other.h5", images=IMAGES)
    (tmp_path / "secret").write_bytes(bytes(784))
    layout = h5py.VirtualLayout((40, 28, 28), "u1")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "images", (40, 28, 28))
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file["x"] = h5py.ExternalLink("other.h5", "images")
        file.create_dataset("images", (1, 28, 28), "u1", external=[(str(tmp_path / "secret"), 0, 784)])
        file.create_virtual_dataset("data", layout)
    with pytest.raises(DataError, match=r"expected arrays x_train.*; got none"):
        load(tmp_path / "own.h5")


def test_weights_of_a_model_are_no_images(tmp_path):
    write_hdf5(tmp_path / "weights.h5", conv__kernel=np.zeros((3, 3, 1, 8)), dense__kernel=np.zeros((30, 10)))
    with pytest.raises(DataError, match=r"expected arrays x_train.*; got conv/kernel, dense/kernel"):
        open_images(tmp_path / "weights.h5", max_pixels=10_000)


def test_numbers_of_labels_that_fit_no_axis_are_told(tmp_path):
    path = write_hdf5(tmp_path / "own.h5", images=IMAGES, labels=np.zeros(39))
    with pytest.raises(DataError, match=r"39 labels, but images of shape \(40, 28, 28\): expected one label an image"):
        load(path)


def test_forms_are_told_by_content_whatever_the_name(tmp_path):
    written = {"mat": write_mat(tmp_path / "m.mat", X=IMAGES, y=LABELS)}
    written["hdf5"] = write_hdf5(tmp_path / "h.dat", X=IMAGES, y=LABELS)
    written["libsvm"] = write_libsvm(tmp_path / "l.bz2", FLAT, LABELS, packed=True)
    written["csv"] = tmp_path / "t.gz"
    with gzip.open(written["csv"], "wt") as file:
        np.savetxt(file, np.column_stack([LABELS, FLAT]), "%d", ",")
    for kind, path in written.items():
        assert kind_of(path.rename(tmp_path / f"{kind}.bin")) == kind
    assert kind_of(write_mat73(tmp_path / "m73.bin", X=IMAGES, y=LABELS)) == "mat"


FUZZED = {
    "packed.mat": lambda path: write_mat(path, X=FLAT[:, :64], y=TENS[:, None]),
    "7.3.mat": lambda path: write_mat73(path, X=FLAT[:, :64], y=TENS[:, None]),
    "struct.mat": lambda path: write_mat(path, dataset={"images": FLAT[:, :64], "labels": TENS[:, None]}),
    "own.h5": lambda path: write_hdf5(path, images=FLAT[:, :64], labels=LABELS),
    "lines.txt": lambda path: write_libsvm(path, FLAT[:, :64] + 1, LABELS),
}


@pytest.mark.parametrize("name", FUZZED)
def test_changed_bytes_are_read_or_told_in_one_line(tmp_path, name):
    whole = FUZZED[name](tmp_path / name).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        content = bytearray(whole)
        for place in rng.integers(0, min(len(content), 2_500), rng.choice([1, 3, 20])):
            content[place] = rng.integers(0, 256)
        (tmp_path / name).write_bytes(content)
        for read in (load, read_raw):
            told = name
            try:
                read(tmp_path / name)
            except DataError as error:
                told = str(error)
            assert name in told
            assert "\n" not in told


@pytest.mark.parametrize("index", ["nan", "inf", "1e300", "-1e300"])
def test_libsvm_with_an_index_that_is_no_number_is_refused(tmp_path, index):
    (tmp_path / "own.svm").write_text("1 1:5 2:3\n" * 9 + f"1 1:5 {index}:7\n")
    with pytest.raises(DataError, match=r"own\.svm: expected lines of label index:value.*an index that is no number"):
        load(tmp_path / "own.svm")

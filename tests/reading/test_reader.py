"""Whatever a caller has becomes readings, and what is not known says so."""

import io
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from digitwise import DataError, ModelError, Page, Reader, Reading
from digitwise.evaluation.calibration import at_temperature
from digitwise.predictions import Predictions
from digitwise.reading.results import Digit, Line
from tests.templates import POLICIES, metadata, printed, two, write_model

DIGITS = "0123456789"


@pytest.fixture(scope="module")
def reader(model_file):
    return Reader(model_file, threads=2)


def content_of(image, kind="PNG"):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def test_every_digit_is_read(reader):
    assert "".join(reader.read(printed(digit)).label for digit in DIGITS) == DIGITS


def test_path_bytes_image_and_array_give_the_same_reading(reader, tmp_path):
    image = printed("7")
    image.save(tmp_path / "seven.png")
    content = content_of(image)
    sources = [tmp_path / "seven.png", content, bytearray(content), memoryview(content), image, np.asarray(image)]
    labels = {(reading.label, reading.confidence) for reading in (reader.read(source) for source in sources)}
    assert len(labels) == 1
    reading = reader.read(str(tmp_path / "seven.png"))
    assert (reading.label, reading.status, reading.path) == ("7", "read", str(tmp_path / "seven.png"))
    assert reading.top[0] == (reading.label, reading.confidence)
    assert [label for label, _ in reading.top] != sorted(label for label, _ in reading.top) or len(reading.top) == 3
    assert 0.98 < reading.confidence <= 1


def test_a_pipe_is_read_as_a_file(reader):
    ends = os.pipe()
    os.write(ends[1], content_of(printed("7")))
    os.close(ends[1])
    assert reader.read(f"/dev/fd/{ends[0]}").label == "7"
    os.close(ends[0])


def test_colour_and_polarity_do_not_matter(reader):
    for ink, paper in [((20, 30, 160), (250, 240, 160)), ((250, 250, 250), (20, 60, 30))]:
        assert reader.read(printed("4", ink=ink, paper=paper)).label == "4"
        assert reader.read(np.asarray(printed("4", ink=ink, paper=paper))).label == "4"


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a,
        lambda a: a / np.float32(255),
        lambda a: a.astype(np.float64),
        lambda a: a.astype(np.int64),
        lambda a: a.astype(np.uint16) * 257,
        lambda a: a.astype(np.uint16) * 4,
        lambda a: a.astype(np.uint16) * 16,
        lambda a: a > 128,
        lambda a: a[..., None],
        lambda a: np.stack([a, a, a], axis=2),
        lambda a: np.dstack([a, a, a, np.full_like(a, 255)]),
        lambda a: a[:, ::-1][:, ::-1],
    ],
    ids=[
        "uint8",
        "0 to 1",
        "float64",
        "int64",
        "16 bit",
        "10 bit",
        "12 bit",
        "bool",
        "channel",
        "RGB",
        "RGBA",
        "strided",
    ],
)
def test_arrays_of_any_dtype_are_read(reader, change):
    assert reader.read(change(np.asarray(printed("3")))).label == "3"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.full((5, 5), np.nan), "expected finite pixels"),
        (np.full((5, 5), -3.0), "expected pixels 0 to 255 or"),
        (np.zeros(784, np.uint8), r"got an array of shape \(784,\)"),
        (np.zeros((0, 5), np.uint8), r"got an array of shape \(0, 5\)"),
        (np.zeros((2, 2, 2, 2, 2), np.uint8), r"got an array of shape \(2, 2, 2, 2, 2\)"),
        (np.array([["a", "b"]]), "expected numbers as pixels"),
        (None, "expected a path, bytes, a PIL image or an array .* got NoneType"),
        (7, "got int"),
        ("missing.png", r"missing\.png: cannot be read: No such file"),
        (b"hello", "not an image"),
        (Image.new("L", (0, 5)), "expected an image with pixels"),
    ],
    ids=[
        "NaN",
        "negative",
        "flat",
        "empty",
        "too many axes",
        "words",
        "None",
        "number",
        "no file",
        "text",
        "no pixels",
    ],
)
def test_one_bad_source_is_an_error_and_among_others_a_row(reader, wrong, message):
    with pytest.raises(DataError, match=message):
        reader.read(wrong)
    good, bad = reader.read([printed("4"), wrong])
    assert (good.label, good.status) == ("4", "read")
    assert (bad.label, bad.confidence, bad.status, bad.top) == (None, None, "error", ())
    assert bad.path == (wrong if isinstance(wrong, str) else None)
    with pytest.raises(DataError, match=message):
        raise DataError(bad.error)


def test_a_blank_is_no_digit(reader):
    for blank in (Image.new("L", (50, 80), 230), np.zeros((28, 28), np.uint8), Image.new("RGBA", (9, 9), (0, 0, 0, 0))):
        assert reader.read(blank) == Reading(None, None, "blank")


def test_lists_keep_their_order_and_may_be_mixed_or_empty(reader):
    sources = [printed("5"), np.zeros((30, 30), np.uint8), content_of(printed("2")), np.asarray(printed("9"))]
    readings = reader.read(sources)
    assert [reading.label for reading in readings] == ["5", None, "2", "9"]
    assert reader.read(tuple(sources)) == readings
    assert reader.read([]) == []


def test_arrays_in_the_models_form_are_not_touched(reader, monkeypatch):
    images = np.stack([reader.input_of(printed(digit)) for digit in DIGITS])

    def refused(image):
        raise AssertionError("normalized again")

    monkeypatch.setattr("digitwise.reading.model_input.normalize", refused)
    readings = reader.read(images)
    assert "".join(reading.label for reading in readings) == DIGITS
    assert np.array_equal(reader.probabilities(images).max(axis=1), [reading.confidence for reading in readings])
    assert reader.read(images[:0]) == []


def test_arrays_of_images_in_any_form_are_brought_to_it(reader):
    canvas = [Image.new("L", (90, 120), 240) for _ in DIGITS]
    for image, digit in zip(canvas, DIGITS, strict=True):
        image.paste(printed(digit), (3, 5))
    grey = np.stack([np.asarray(image) for image in canvas])
    colour = np.stack([np.asarray(image.convert("RGB")) for image in canvas])
    assert [reading.label for reading in reader.read(grey)] == list(DIGITS)
    assert [reading.label for reading in reader.read(colour)] == list(DIGITS)


def test_of_small_images_only_those_not_in_form_are_brought_to_it(reader):
    small = np.stack([reader.input_of(printed(digit)) for digit in DIGITS] + [np.zeros((28, 28), np.uint8)])
    small[::2] = 255 - small[::2]
    before = small.copy()
    assert [reading.label for reading in reader.read(small)][1:] == [*DIGITS[1:], None]
    assert (small == before).all()


def test_unsure_is_what_the_policy_would_not_answer(tmp_path):
    model = write_model(tmp_path / "m.onnx", metadata(temperature=1.4))
    reader, rng = Reader(model), np.random.default_rng(0)
    between = np.stack([reader.input_of(printed(digit)) for digit in DIGITS])[rng.integers(0, 10, (300, 2))]
    share = rng.random((300, 1, 1))
    noise = (between[:, 0] * share + between[:, 1] * (1 - share)).astype(np.uint8)
    for max_error in (0.001, 0.002, 0.01):
        reader = Reader(model, max_error=max_error)
        calibrated = reader.probabilities(noise)
        # the file's probabilities are softmax(log p / 1.4); the policy looks at softmax(log p / 0.7)
        before = at_temperature(Predictions(np.zeros(300, np.int64), calibrated, tuple(DIGITS)), 1 / 1.4)
        threshold = next(each["threshold"] for each in POLICIES if each["max_error"] == max_error)
        expected = at_temperature(before, 0.7).confidence >= threshold
        assert 0 < expected.sum() < 300
        assert np.array_equal(reader.policy.sure(calibrated), expected)


def test_the_policy_is_the_largest_guarantee_within_what_was_asked_for(model_file):
    used = {asked: Reader(model_file, max_error=asked).policy.max_error for asked in (0.001, 0.0015, 0.005, 0.01, 0.9)}
    assert used == {0.001: 0.001, 0.0015: 0.001, 0.005: 0.002, 0.01: 0.01, 0.9: 0.01}
    with pytest.raises(ModelError, match=r"can guarantee, from 0\.001 on, got 0\.0005; allow more errors"):
        Reader(model_file, max_error=0.0005)
    with pytest.raises(ModelError, match="expected a share above 0 and below 1, got 1"):
        Reader(model_file, max_error=1)


def test_unasked_it_is_the_strictest_guarantee_from_three_in_a_thousand(tmp_path):
    assert Reader(write_model(tmp_path / "a.onnx")).policy.max_error == 0.01
    strict = metadata(policies=POLICIES[:1])
    assert Reader(write_model(tmp_path / "b.onnx", strict)).policy.max_error == 0.001
    none = write_model(tmp_path / "c.onnx", metadata(policies=[]))
    assert Reader(none).policy is None
    assert Reader(none).read(printed("7")).status == "read"
    with pytest.raises(ModelError, match="none: the model gives no guarantee"):
        Reader(none, max_error=0.01)


def test_a_model_of_its_own_form_takes_images_fitted_but_not_centred(tmp_path):
    reader = Reader(write_model(tmp_path / "own.onnx", metadata(normalization="none"), shape=(20, 24)))
    dark = Image.new("L", (24, 20), 240)
    dark.paste(10, (2, 3, 8, 9))
    seen = reader.input_of(dark)
    assert np.array_equal(seen, 255 - np.asarray(dark))
    assert reader.input_of(printed("7")).shape == (20, 24)
    assert np.array_equal(reader.input_of(np.asarray(dark)), np.asarray(dark))
    assert reader.read(np.zeros((20, 24), np.uint8)).status == "blank"
    assert len(reader.read(np.random.default_rng(0).integers(0, 256, (6, 20, 24), np.uint8))) == 6
    for wrong in (np.zeros((28, 28), np.uint8), np.zeros((3, 28, 28), np.uint8)):
        with pytest.raises(DataError, match="expected images of the model's own size 20x24, got 28x28"):
            reader.read(wrong)


def test_a_model_of_colour_gets_colour(tmp_path):
    reader = Reader(write_model(tmp_path / "rgb.onnx", metadata(normalization="none"), shape=(20, 20, 3)))
    assert reader.input_of(Image.new("RGB", (40, 20), (9, 200, 3))).shape == (20, 20, 3)
    assert reader.input_of(printed("7")).shape == (20, 20, 3)
    assert reader.read(np.zeros((4, 20, 20, 3), np.uint8))[0].status == "blank"


def test_large_images_are_refused_by_the_limit_of_the_reader(model_file):
    content = content_of(Image.new("L", (300, 300), 9))
    with pytest.raises(DataError, match="expected at most 10,000 pixels, got 300x300"):
        Reader(model_file, max_pixels=10_000).read(content)


def test_threads_share_a_reader(reader):
    sources = [content_of(printed(digit)) for digit in DIGITS] * 5
    with ThreadPoolExecutor(6) as pool:
        assert [reading.label for reading in pool.map(reader.read, sources)] == list(DIGITS) * 5


def test_numbers_are_lines_of_digits_with_their_boxes(reader, numbers, tmp_path):
    image = two("7", "2")
    image.save(tmp_path / "page.png")
    page = reader.read_numbers(tmp_path / "page.png")
    assert (page.path, page.text) == (str(tmp_path / "page.png"), "72")
    seven, _ = page.lines[0].digits
    assert (seven.label, seven.status, seven.box) == ("7", "read", (0, 0, image.width // 2, image.height))
    assert seven.image.shape == (28, 28)
    assert reader.read_numbers(Image.new("L", (400, 300), 200)) == Page(None, ())


def test_boxes_are_in_pixels_of_the_file_also_where_less_of_it_was_decoded(reader, numbers):
    image = two("7", "2").resize((4800, 2400))
    digits = reader.read_numbers(content_of(image, "JPEG")).lines[0].digits
    assert [digit.box for digit in digits] == [(0, 0, 2400, 2400), (2400, 0, 4800, 2400)]


def test_unsure_digits_are_question_marks_in_the_text():
    sure, unsure = Digit("4", 0.99, "read", (0, 0, 1, 1)), Digit("9", 0.4, "unsure", (1, 0, 2, 1))
    line = Line.of([(sure, unsure), (sure,)])
    assert line.text == "4? 4"
    assert Page(None, (line, line)).text == "4? 4\n4? 4"


def test_a_reader_can_be_sent_to_another_process(model_file):
    reader = pickle.loads(pickle.dumps(Reader(model_file, max_error=0.01, max_pixels=10_000)))
    assert (reader.policy.max_error, reader.max_pixels) == (0.01, 10_000)
    assert reader.read(printed("7")).label == "7"


def test_array_that_is_a_line_of_pixels_is_refused_by_what_looks_for_numbers():
    with pytest.raises(DataError, match="expected an image at most 4,000 times as long as wide"):
        Reader(threads=1).read_numbers(np.zeros((1, 100_000), np.uint8))


def test_arrays_of_rows_are_refused_and_channels_may_be_first(digits):
    reader, images = Reader(), digits.test.images[:3]
    with pytest.raises(DataError, match="perhaps rows of pixels; give x") as told:
        reader.read(images.reshape(3, 784))
    assert told.value.argument == "x"
    assert len(reader.read([images.reshape(3, 784)])) == 1
    assert reader.read(images[:, None]) == reader.read(images)
    frame = reader.read(images)[0].frame()
    assert list(frame.columns) == ["class", "probability"]


def test_a_page_and_other_results_have_a_short_repr(digits):
    page = Reader().read_numbers(digits.test.images[0])
    assert repr(page).startswith("Page(")
    assert "\n" not in repr(page)
    assert len(repr(page)) < 200

"""Reading through the API says what the reader says."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from digitwise.decoding import open_image
from digitwise.reading.reader import Reader
from digitwise.server.app import application
from digitwise.server.service import Settings
from tests.server.running import as_png, served
from tests.server.sheets import row_of, written_page
from tests.templates import metadata, write_model

SINGLE = "/v1/read?mode=single"


@pytest.fixture(scope="module")
def reader():
    return Reader(threads=1)


@pytest.fixture(scope="module")
def scans(digits):
    """Images as they come: as the model takes them, dark on light, large, coloured, and an empty sheet."""
    images = digits.test.images
    large = np.asarray(Image.fromarray(255 - images[3]).resize((200, 220)))
    colour = np.stack([255 - images[4], np.full((28, 28), 255, np.uint8), 255 - images[4] // 2], axis=2)
    return [images[0], images[1], 255 - images[2], large, colour, np.full((40, 30), 250, np.uint8)]


def same(document, reading):
    assert (document["label"], document["status"], document["error"]) == (reading.label, reading.status, None)
    assert document["confidence"] == (
        None if reading.confidence is None else pytest.approx(reading.confidence, abs=2e-6)
    )
    if document["probabilities"] is not None and len(document["probabilities"]) > 1:
        assert sum(document["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert max(document["probabilities"].values()) == document["confidence"]
    return True


def test_a_form_is_read_in_the_order_of_its_files(server, reader, scans):
    files = [("any", (f"{place}.png", as_png(scan))) for place, scan in enumerate(scans)]
    readings = server.client.post(SINGLE, files=files).json()["readings"]
    assert [reading["name"] for reading in readings] == [f"{place}.png" for place in range(len(scans))]
    assert all(same(*pair) for pair in zip(readings, [reader.read(scan) for scan in scans], strict=True))
    assert readings[-1]["status"] == "blank"


def test_a_image_alone_is_its_own_body(server, reader, scans):
    for scan in scans:
        [reading] = server.image(as_png(scan), SINGLE).json()["readings"]
        assert same(reading, reader.read(scan))
        assert reading["name"] is None


def test_arrays_are_read_one_or_several(server, reader, digits):
    images = digits.test.images[:3]
    expected = reader.read(images)
    [alone] = server.client.post("/v1/read", json=images[0].astype(float).tolist()).json()["readings"]  # 7.0 is whole
    several = server.client.post("/v1/read", json=images.tolist()).json()["readings"]
    assert same(alone, expected[0])
    assert all(same(*pair) for pair in zip(several, expected, strict=True))


def test_what_the_model_saw_comes_when_asked_for(server, reader, scans):
    [reading] = server.image(as_png(scans[3]), f"{SINGLE}&input=true").json()["readings"]
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(reading["input"]))))
    assert np.array_equal(seen, reader.input_of(scans[3]))
    assert "input" not in server.image(as_png(scans[3]), "/v1/read?input=false").json()["readings"][0]


def test_one_bad_file_does_not_spoil_the_others(server, scans):
    files = [("a", ("a.png", as_png(scans[0]))), ("b", ("b.png", b"nothing")), ("c", ("c.png", as_png(scans[1])))]
    readings = server.client.post("/v1/read?input=true", files=files).json()["readings"]
    assert [reading["status"] == "error" for reading in readings] == [False, True, False]
    assert readings[1]["error"].startswith("not an image: its content is no PNG")
    assert readings[1]["input"] is readings[1]["label"] is readings[1]["probabilities"] is None


@pytest.mark.parametrize(
    ("name", "echoed"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\7.png", "7.png"),
        ("ü 7.png", "ü 7.png"),
        ("x" * 300, "x" * 200),
        ("..", ".."),
        ("/", ""),
    ],
    ids=["up", "other system", "letters", "long", "dots", "slash"],
)
def test_of_a_name_only_its_last_part_comes_back(server, scans, name, echoed):
    [reading] = server.client.post("/v1/read", files={"a": (name, as_png(scans[0]))}).json()["readings"]
    assert reading["name"] == echoed


@pytest.fixture(scope="module")
def row(mnist):
    return row_of(mnist)


def test_a_file_is_read_as_what_it_turns_out_to_be(server, reader, mnist, row):
    one = np.asarray(Image.fromarray(255 - mnist.test.images[0]).resize((200, 220)))
    sources = [as_png(each) for each in (one, np.full((90, 80), 250, np.uint8), row)]
    single, blank, numbers = server.client.post(
        "/v1/read", files=[("a", (f"{place}.png", png)) for place, png in enumerate(sources)]
    ).json()["readings"]
    assert same(single, reader.auto_of(open_image(sources[0])).reading)
    assert (single["kind"], single["label"], single["status"]) == ("single", "7", "read")
    assert (blank["kind"], blank["label"], blank["status"]) == ("single", None, "blank")
    assert (numbers["kind"], numbers["name"], numbers["label"]) == ("numbers", "2.png", None)
    assert re.fullmatch("[7?][2?][1?][0?][4?]", numbers["text"])
    assert len(numbers["text"].replace("?", "")) >= 4  # all are written clearly; a 1 may be any stroke
    assert [number["text"] for number in numbers["numbers"]] == [numbers["text"]]
    [page] = server.image(sources[2], "/v1/read/numbers").json()["pages"]
    assert numbers == page | {"name": "2.png", "label": None, "probabilities": None}


def test_the_mode_decides_where_one_is_asked_for(server, row):
    for mode, kind in [("single", "single"), ("numbers", "numbers"), ("auto", "numbers")]:
        [reading] = server.image(as_png(row), f"/v1/read?mode={mode}").json()["readings"]
        assert reading["kind"] == kind
    [blank] = server.image(as_png(np.full((60, 60), 250, np.uint8)), "/v1/read?mode=numbers").json()["readings"]
    assert (blank["status"], blank["text"], blank["numbers"], blank["lines"]) == ("blank", "", [], [])
    refused = server.image(as_png(row), "/v1/read?mode=page")
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("expected mode=auto, mode=single or mode=numbers, got")


def test_arrays_are_single_digits_in_any_mode(server, digits):
    for mode in ("auto", "single", "numbers"):
        answer = server.client.post(f"/v1/read?mode={mode}", json=digits.test.images[0].tolist())
        assert answer.json()["readings"][0]["kind"] == "single"


def test_what_is_no_number_is_told_with_its_kind_and_place(server, reader, row):
    image = as_png(written_page(row))
    [found] = server.image(image).json()["readings"]
    expected = reader.page_of(open_image(image))
    assert [(other["kind"], tuple(other["box"])) for other in found["others"]] == [
        (other.kind, other.box) for other in expected.others
    ]
    assert any(other["kind"] == "mark" for other in found["others"])
    assert {other["confidence"] is None for other in found["others"] if other["kind"] != "digit?"} == {True}
    for number, told in zip(expected.numbers, found["numbers"], strict=True):
        assert (told["text"], told["written"], told["status"]) == (number.text, number.written, number.status)
        assert (tuple(told["box"]), told["confidence"]) == (number.box, pytest.approx(number.confidence, abs=2e-6))
    assert found["confidence"] == min(number["confidence"] for number in found["numbers"])


def test_a_crowded_sheet_ends_in_time_with_what_was_found(mnist):
    places = np.random.default_rng(3).integers(len(mnist.test.images), size=(40, 50))
    ink = np.pad(mnist.test.images[places], ((0, 0), (0, 0), (8, 8), (2, 2)))  # (40, 50, 44, 32)
    crowded = as_png(255 - ink.transpose(0, 2, 1, 3).reshape(40 * 44, 50 * 32))
    with served(application(Settings())) as running:
        [found] = running.image(crowded).json()["readings"]
        counts = running.client.get("/metrics").text
    counted = [float(each) for each in re.findall(r'readings_total{status="(?:read|unsure)"} (\d+)', counts)]
    assert sum(counted) == sum(len(line["digits"]) for line in found["lines"]) > 1500


def test_numbers_are_lines_with_boxes_on_the_upright_image(server, reader, row):
    page = row
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter
    Image.fromarray(np.rot90(page)).save(file, "JPEG", exif=exif, quality=95)
    answer = server.image(file.getvalue(), "/v1/read/numbers", kind="image/jpeg")
    [found] = answer.json()["pages"]
    expected = reader.read_numbers(file.getvalue())
    assert (found["width"], found["height"], found["error"]) == (200, 60, None)
    assert found["text"] == expected.text
    boxes = [digit["box"] for line in found["lines"] for digit in line["digits"]]
    assert boxes == [list(digit.box) for line in expected.lines for digit in line.digits]
    assert all(0 <= left < right <= 200 and 0 <= top < bottom <= 60 for left, top, right, bottom in boxes)
    assert len(boxes) == 5


def test_a_bad_page_among_others_is_an_error_of_its_own(server, scans):
    files = [("a", ("a.pdf", b"%PDF-1.7")), ("b", ("b.png", as_png(scans[3])))]
    pages = server.client.post("/v1/read/numbers", files=files).json()["pages"]
    assert "PDF" in pages[0]["error"]
    assert pages[0]["text"] is None
    assert pages[1]["error"] is None


def test_the_model_says_what_it_is(server, reader):
    model = server.client.get("/v1/model").json()
    assert model["classes"] == list(reader.class_names)
    assert model["image_shape"] == [28, 28]
    assert model["policy"]["max_error"] == reader.policy.max_error
    assert model["metrics"]["test"]["n"] == 10_000
    assert len(model["sha256"]) == 64


def test_the_service_says_what_it_offers(server):
    service = server.client.get("/v1/service").json()
    assert (service["collect"], service["report"], service["token"]) == (False, False, False)
    assert service["limits"] == {"bytes": 20 * 2**20, "pixels": 50_000_000, "files": 100, "pages": 100, "seconds": 30.0}


def test_a_model_without_a_form_takes_arrays_as_they_are_and_fits_files(tmp_path, scans):
    file = write_model(tmp_path / "own.onnx", metadata(normalization="none"), shape=(8, 8))
    own = Reader(file, threads=1)
    arrays = np.random.default_rng(0).integers(0, 255, (3, 8, 8)).astype(np.uint8)
    pngs = [as_png(scan) for scan in scans]
    with served(application(Settings(model=file))) as running:
        several = running.client.post("/v1/read", json=arrays.tolist()).json()["readings"]
        files = running.client.post(SINGLE, files=[("a", ("a", png)) for png in pngs]).json()["readings"]
    assert all(same(*pair) for pair in zip(several, own.read(arrays), strict=True))
    assert all(same(*pair) for pair in zip(files, [own.read(png) for png in pngs], strict=True))


def test_a_region_and_how_many_digits_are_asked_for(server, reader, row):
    image = as_png(written_page(row))
    [whole] = server.image(image).json()["readings"]
    number = max(whole["numbers"], key=lambda each: len(each["text"]))
    left, top, right, bottom = number["box"]
    region = f"{left - 20},{top - 20},{right - left + 40},{bottom - top + 40}"
    for path, key in (("/v1/read", "readings"), ("/v1/read/numbers", "pages")):
        [part] = server.image(image, f"{path}?region={region}&expect=5").json()[key]
        assert [len(each["text"]) for each in part["numbers"]] == [5]
        assert max(abs(a - b) for a, b in zip(part["numbers"][0]["box"], number["box"], strict=True)) <= 4
        [none] = server.image(image, f"{path}?region={region}&expect=9").json()[key]
        assert none["status"] == "unsure"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("region=1,2", "expected a region as x,y,w,h"),
        ("expect=0", "expected 1 to 40 digits"),
        ("expect=five", "expected expect=N"),
        ("expect=5&mode=single", "expected mode=auto or mode=numbers"),
        ("region=9000,9000,9,9", "expected a region inside the image"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(server, row, query, message):
    refused = server.image(as_png(row), f"/v1/read?{query}")
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith(message)


def test_of_arrays_neither_region_nor_number_of_digits_is_asked(server, digits):
    image = digits.test.images[0].tolist()
    plain, asked = (
        server.client.post(f"/v1/read{query}", json=image).json() for query in ("", "?expect=1&region=1,1,2,2")
    )
    assert asked == plain

"""Files of every kind, whole and broken: a right image or one clear line."""

import io
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from digitwise.decoding import decode, open_image, open_pages
from digitwise.errors import DataError, MissingPartError
from digitwise.normalization import Normalized, normalize

RED, PAPER = (200, 30, 40), (250, 250, 250)


def scan(size=(40, 30), ink=(20, 20, 20), paper=PAPER):
    """A dark bar on light paper; its place and colours are known."""
    image = Image.new("RGB", size, paper)
    image.paste(ink, (size[0] // 4, size[1] // 3, size[0] // 2, size[1] // 2))
    return image


def stored(image, kind, **how):
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP", "PPM"])
def test_every_kind_is_read_from_path_bytes_and_stream(tmp_path, kind):
    content = stored(scan(), kind)
    (tmp_path / "scan.dat").write_bytes(content)
    with (tmp_path / "scan.dat").open("rb") as stream:
        images = [open_image(source).image for source in (tmp_path / "scan.dat", content, stream)]
    assert images[0].shape[:2] == (30, 40)
    assert images[0].mean() == pytest.approx(np.asarray(scan()).mean(), abs=2)
    assert all((image == images[0]).all() for image in images)


def test_content_decides_not_the_suffix(tmp_path):
    (tmp_path / "really.png").write_bytes(stored(scan(), "JPEG"))
    assert open_image(tmp_path / "really.png").image.shape == (30, 40)


def test_colour_is_kept_where_there_is_any():
    assert open_image(stored(scan(ink=RED), "PNG")).image.shape == (30, 40, 3)
    assert open_image(stored(scan(), "PNG")).image.shape == (30, 40)
    assert open_image(stored(scan(ink=RED), "PNG"), decode=decode).image.shape == (30, 40)  # one ink, one paper


def test_a_bomb_is_refused_before_it_is_decoded():
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(DataError, match=r"too large: expected at most 50,000,000 pixels, got .*max-pixels"):
        open_image(bomb)


def test_the_limit_can_be_set_both_ways():
    content = stored(scan((200, 100)), "PNG")
    with pytest.raises(DataError, match="expected at most 19,999 pixels, got 200x100"):
        open_image(content, max_pixels=19_999)
    assert open_image(content, max_pixels=20_000).image.shape == (100, 200)
    before = Image.MAX_IMAGE_PIXELS
    try:
        Image.MAX_IMAGE_PIXELS = 5_000  # Pillow's own limit, lower than ours
        assert open_image(content, max_pixels=20_000).image.shape == (100, 200)
        assert Image.MAX_IMAGE_PIXELS == 5_000
    finally:
        Image.MAX_IMAGE_PIXELS = before


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP", "PPM"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.95])
def test_a_truncated_file_is_told_in_one_line(kind, share):
    rng = np.random.default_rng(0)
    content = stored(Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)), kind)
    with pytest.raises(DataError, match=r"damaged image|not an image") as caught:
        open_image(content[: int(share * len(content))], name="half.file")
    assert str(caught.value).startswith("half.file: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"hello, world, this is text", "its content is no PNG, JPEG"),
        (b"%PDF-1.7 and so on", "its content is a PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "its content is HEIC; save it as JPEG or PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "its content is no PNG"),
        (b"\x89PNG\r\n\x1a\nnothing behind it", "damaged image"),
    ],
    ids=["empty", "text", "PDF", "HEIC", "PostScript", "header only"],
)
def test_what_is_no_image_says_what_it_is(content, message):
    with pytest.raises(DataError, match=message):
        open_image(content)


@pytest.mark.parametrize("name", ["missing.png", ".", "null\0byte.png"])
def test_a_path_that_cannot_be_read_is_told(tmp_path, name):
    with pytest.raises(DataError, match="cannot be read"):
        open_image(str(tmp_path / name))


def test_of_an_animation_the_first_image_is_read_and_that_is_said():
    first, second = scan(), scan(ink=(250, 250, 250))
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        content = stored(first, kind, save_all=True, append_images=[second])
        read = open_image(content)
        assert read.notes == ("the first of several images in it",), kind
        assert read.image.min() < 60
    assert open_image(stored(first, "GIF")).notes == ()


def test_previews_in_a_phones_jpeg_are_not_called_images():
    content = stored(scan((640, 480)), "MPO", save_all=True, append_images=[scan((64, 48))])
    assert open_image(content).notes == ()


MODES = {
    "CMYK": ("CMYK", "JPEG"),
    "1 bit": ("1", "PNG"),
    "1 bit TIFF": ("1", "TIFF"),
    "palette": ("P", "PNG"),
    "16 bit": ("I;16", "PNG"),
    "float": ("F", "TIFF"),
    "32 bit": ("I", "TIFF"),
    "alpha": ("RGBA", "PNG"),
    "grey with alpha": ("LA", "PNG"),
}


@pytest.mark.parametrize(("mode", "kind"), MODES.values(), ids=MODES)
def test_every_mode_gives_the_same_image(mode, kind):
    if mode == "I;16":
        pillow = Image.fromarray(np.asarray(scan().convert("L"), np.uint16) * 257)
    else:
        pillow = scan().convert("L").convert(mode) if mode in ("F", "I", "LA", "1") else scan().convert(mode)
    image = open_image(stored(pillow, kind)).image
    grey = image if image.ndim == 2 else image.mean(axis=2)
    assert grey[12, 15] < 60
    assert grey[2, 2] > 230


def test_dim_images_of_many_bits_keep_their_contrast():
    twelve = np.full((20, 20), 4000, np.uint16)
    twelve[5:15, 8:11] = 300
    image = open_image(stored(Image.fromarray(twelve), "PNG")).image
    assert (image[0, 0], image[10, 9]) == (249, 19)
    strange = np.linspace(-3, 7, 400, dtype=np.float32).reshape(20, 20)
    strange[0, 0] = np.nan
    image = open_image(stored(Image.fromarray(strange), "TIFF")).image
    assert (image[0, 1], image[-1, -1]) == (0, 255)


def test_light_ink_on_a_transparent_ground_is_not_lost_on_white():
    light = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    light.paste((255, 255, 255, 255), (15, 5, 22, 35))
    image = open_image(stored(light, "PNG")).image
    assert (image[0, 0], image[20, 18]) == (0, 255)
    dark = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    dark.paste((0, 0, 0, 255), (15, 5, 22, 35))
    image = open_image(stored(dark, "PNG")).image
    assert (image[0, 0], image[20, 18]) == (255, 0)


def test_a_palettes_transparent_colour_is_no_ink():
    pillow = Image.new("P", (40, 40), 1)
    pillow.putpalette([0, 0, 0, 10, 10, 10])
    pillow.paste(0, (15, 5, 22, 35))
    image = open_image(stored(pillow, "GIF", transparency=1)).image
    assert (image[0, 0], image[20, 18]) == (255, 0)


@pytest.mark.parametrize("size", [(1, 1), (10_000, 3), (3, 10_000)], ids=str)
def test_odd_sizes_come_through_to_a_blank_or_a_digit(size):
    image = open_image(stored(Image.new("L", size, 200), "PNG")).image
    assert image.shape == size[::-1]
    assert normalize(image).blank


def test_all_transparent_is_blank():
    image = open_image(stored(Image.new("RGBA", (50, 50), (9, 200, 3, 0)), "PNG")).image
    assert normalize(image).blank


def test_orientation_by_exif_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    image = open_image(stored(scan(), "JPEG", exif=exif)).image
    assert image.shape == (40, 30)


def test_a_large_jpeg_comes_at_a_reduced_scale_where_that_is_enough():
    content = stored(scan((1600, 1200)), "JPEG")
    assert open_image(content).image.shape == (1200, 1600)
    assert open_image(content, at_least=300).image.shape == (300, 400)
    assert open_image(content, at_least=400).image.shape == (300, 400)
    assert open_image(content, at_least=401).image.shape == (600, 800)
    assert open_image(stored(scan((1600, 1200)), "PNG"), at_least=300).image.shape == (1200, 1600)


def test_no_warning_of_pillow_gets_out_and_none_of_ours_is_lost():
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\0\0\xff\xff" * 3  # more entries than there are bytes
    content = stored(scan(), "JPEG", exif=exif)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        threads = [threading.Thread(target=open_image, args=(content,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert caught == []
        warnings.warn("mine", stacklevel=1)
    assert len(caught) == 1


def test_a_stream_longer_than_any_image_is_refused():
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            return bytes(size)

    with pytest.raises(DataError, match="more than 1,056,576 bytes"):
        open_image(Endless(), max_pixels=1_000)


@pytest.fixture
def pdf(tmp_path):
    path = tmp_path / "form.pdf"
    scan((850, 1100)).save(path, "PDF", save_all=True, append_images=[scan((400, 300), ink=RED)], resolution=100)
    return path


def test_pages_of_a_pdf_come_one_by_one_at_200_dots_an_inch(pdf):
    pages = [page.image for page in open_pages(pdf)]
    assert [page.shape for page in pages] == [(2200, 1700), (600, 800, 3)]
    assert pages[0][900, 700] < 60
    assert np.abs(pages[1][240, 300].astype(int) - RED).max() < 12
    assert next(open_pages(pdf.read_bytes())).image.shape == (2200, 1700)


def test_a_large_page_is_rendered_within_the_limit(pdf):
    image = next(open_pages(pdf, max_pixels=100_000)).image
    assert 80_000 < image.size <= 100_000


def test_a_damaged_pdf_is_told_in_one_line(pdf):
    with pytest.raises(DataError, match="form: damaged PDF"):
        next(open_pages(pdf.read_bytes()[:200], name="form"))


def test_a_missing_library_gets_the_line_that_installs_it(pdf, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pypdfium2", None)
    with pytest.raises(MissingPartError, match=r'pip install "digitwise\[pdf\]"'):
        next(open_pages(pdf))


fuzzed = settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
WHOLE = [stored(scan(ink=RED), kind) for kind in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM")]
WHOLE += [stored(scan().convert("1"), "TIFF", compression="group4"), stored(scan().convert("CMYK"), "JPEG")]


def read_or_refuse(content):
    try:
        image = open_image(content, max_pixels=200_000).image
    except DataError as error:
        told = str(error)
        image = None
    if image is None:
        assert "\n" not in told
        return
    assert image.dtype == np.uint8
    assert image.size <= 3 * 200_000
    assert_normalized(image)


def assert_normalized(image):
    found = normalize(image)
    assert isinstance(found, Normalized)
    assert (found.image.shape, found.image.dtype) == ((28, 28), np.uint8)


@fuzzed
@given(st.binary(max_size=400), st.sampled_from([b"", *(whole[:12] for whole in WHOLE)]))
def test_any_bytes_give_a_image_or_one_line(content, start):
    read_or_refuse(start + content)


@fuzzed
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6),
    st.floats(0.05, 1),
)
def test_damaged_files_give_a_image_or_one_line(whole, changes, kept):
    content = bytearray(whole)
    for place, value in changes:
        # the header has most of what can be got wrong
        content[int(place**3 * len(content))] = value
    read_or_refuse(bytes(content[: max(1, int(min(1, kept * 1.5) * len(content)))]))


@fuzzed
@given(
    st.one_of(
        arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))),
        arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
        arrays.arrays(np.uint8, st.sampled_from([(1, 300), (300, 1), (28, 28), (2, 120, 3)])),
    )
)
def test_any_image_gives_an_input_or_a_blank(image):
    assert_normalized(image)


@pytest.mark.parametrize("size", [(1, 49_000_000), (49_000_000, 1)], ids=["wide", "tall"])
def test_line_of_pixels_is_refused_before_it_is_decoded(size):
    rows = zlib.compress(bytes(100))
    header = struct.pack(">IIBBBBB", size[1], size[0], 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for name, part in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")):
        content += struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
    with pytest.raises(DataError, match="expected an image at most 4,000 times as long as wide, got"):
        open_image(content)


def test_a_jpeg_of_very_many_scans_is_refused_before_it_is_decoded():
    file = io.BytesIO()
    Image.fromarray(np.full((64, 64), 128, np.uint8)).save(file, "JPEG", progressive=True)
    usual, (head, last) = file.getvalue(), file.getvalue()[:-2].rsplit(b"\xff\xda", 1)
    assert open_image(usual + b"\xff\xda" * 500).image.shape == (64, 64)  # a film behind the image is no part of it
    with pytest.raises(DataError, match="at most 100 scans"):
        open_image(head + (b"\xff\xda" + last) * 200 + b"\xff\xd9")

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, features

from export.prepare import UnreadableImageError, prepare

RANDOM = np.random.default_rng(3)
DIGIT = np.pad(RANDOM.integers(0, 256, (20, 20)), 4).astype(np.uint8)  # noise, but placed as a digit of MNIST
GRAY = Image.fromarray(DIGIT)


def drawn(size: tuple[int, int] = (28, 28), ink: int = 255, paper: int = 0) -> Image.Image:
    """Return a seven, drawn with strokes, off the middle."""
    image = Image.new("L", size, paper)
    width, height = size[0] / 2, size[1] / 2
    points = [(0.3, 0.3), (1.1, 0.3), (0.6, 1.5)]
    stroke = [(x * width, y * height) for x, y in points]
    ImageDraw.Draw(image).line(stroke, fill=ink, width=max(2, round(min(size) / 14)), joint="curve")
    return image


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def with_alpha(gray: int, alpha: np.ndarray) -> Image.Image:
    image = Image.new("LA", (28, 28), (gray, 0))
    image.putalpha(Image.fromarray(alpha))
    return image


@pytest.mark.parametrize("polarity", ["auto", "light"])
def test_a_gray_image_of_28x28_keeps_its_pixels(polarity):
    np.testing.assert_array_equal(prepare(GRAY, polarity), DIGIT)


@pytest.mark.parametrize("polarity", ["auto", "dark"])
def test_dark_ink_on_paper_is_inverted(polarity):
    np.testing.assert_array_equal(prepare(Image.fromarray(255 - DIGIT), polarity), DIGIT)


def test_a_polarity_that_is_named_is_not_questioned():
    np.testing.assert_array_equal(prepare(GRAY, "dark"), 255 - DIGIT)
    np.testing.assert_array_equal(prepare(Image.fromarray(255 - DIGIT), "light"), 255 - DIGIT)


@pytest.mark.parametrize(
    ("paper", "ink"), [(90, 20), (200, 120), (60, 220), (140, 250), (0, 40), (255, 230), (230, 255), (40, 0)]
)
def test_the_inks_colour_is_told_relative_to_its_paper(paper, ink):
    found = prepare(drawn(ink=ink, paper=paper)).astype(int)
    assert found[4, 9] - found[27, 27] == abs(ink - paper)


def test_empty_sheets_are_without_ink_whatever_their_colour():
    for colour in (0, 30, 220, 255):
        assert prepare(Image.new("L", (28, 28), colour)).max() <= 35


@pytest.mark.parametrize("mode", ["LA", "RGB", "RGBA", "RGBX", "P", "CMYK", "YCbCr", "I", "F", "PA", "LAB"])
def test_the_mode_makes_no_difference(mode):
    through = {"PA": "P", "CMYK": "RGB", "YCbCr": "RGB"}.get(mode, "L")
    image = Image.merge("LAB", [GRAY, *[Image.new("L", GRAY.size, 128)] * 2]) if mode == "LAB" else None
    image = image or GRAY.convert(through).convert(mode)
    assert image.mode == mode
    assert np.abs(prepare(image).astype(int) - DIGIT).max() <= 1


def test_black_and_white_is_dark_and_light():
    image = drawn().convert("1")
    np.testing.assert_array_equal(prepare(image), np.asarray(image) * np.uint8(255))


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_16_bits_are_scaled_and_not_clipped(dtype):
    wide = Image.fromarray((DIGIT.astype(dtype) * 257).astype(dtype))
    np.testing.assert_array_equal(prepare(wide), DIGIT)
    np.testing.assert_array_equal(prepare(saved(wide, "PNG")), DIGIT)
    np.testing.assert_array_equal(prepare(saved(wide, "TIFF")), DIGIT)


@pytest.mark.parametrize(
    "values",
    [
        DIGIT / np.float32(255),
        DIGIT.astype(np.float32),
        DIGIT * np.float32(1000) - 70000,
        DIGIT.astype(np.int32) * 257,
        DIGIT.astype(np.int32) * 100_000,
    ],
    ids=["0 to 1", "0 to 255", "its own range", "16 bits in 32", "large integers"],
)
def test_wide_values_are_scaled_from_the_range_that_holds_them(values):
    expected = np.rint((DIGIT - DIGIT.min()) * (255 / np.ptp(DIGIT))).astype(np.uint8)
    found = prepare(saved(Image.fromarray(values.astype(np.float32 if values.dtype.kind == "f" else np.int32)), "TIFF"))
    np.testing.assert_allclose(found.astype(int), expected, atol=1)


LOSSLESS = ["PNG", "BMP", "GIF", "TIFF", "PPM", "TGA", "PCX", "SGI", "ICO", "QOI"]
OTHERS = {"WEBP": {"lossless": True}, "JPEG2000": {}, "AVIF": {"quality": 100}, "JPEG": {"quality": 100}}


@pytest.mark.parametrize("form", LOSSLESS + list(OTHERS))
def test_files_of_every_kind_are_read(form):
    codec = {"WEBP": "webp", "JPEG2000": "jpg_2000", "AVIF": "avif"}.get(form)
    if codec and not features.check(codec):
        pytest.skip(f"this Pillow has no {form}")
    image = drawn()
    image = image.convert("RGB") if form in ("QOI", "WEBP", "AVIF") else image
    options = {"sizes": [(28, 28)]} if form == "ICO" else OTHERS.get(form, {})
    tolerance = 16 if form in ("JPEG", "AVIF") else 0
    found = prepare(saved(image, form, **options)).astype(int)
    assert np.abs(found - np.asarray(drawn(), int)).max() <= tolerance


def test_a_drawing_on_nothing_shows_whatever_its_colour():
    strokes = np.asarray(drawn())
    for gray in (0, 255):
        np.testing.assert_array_equal(prepare(with_alpha(gray, strokes)), strokes)


def test_transparent_corners_look_like_the_paper():
    alpha = np.full((28, 28), 255, np.uint8)
    alpha[:3, :3] = 0
    image = drawn(ink=10, paper=245)
    image.putalpha(Image.fromarray(alpha))
    found = prepare(image)
    assert found[:3, :3].max() == 0
    assert found.max() == 245


def test_a_transparent_colour_of_a_palette_is_transparent():
    image = drawn(ink=0, paper=255).convert("P")
    data = saved(image, "PNG", transparency=image.getpixel((0, 0)))
    np.testing.assert_array_equal(prepare(data), np.asarray(drawn()))


def test_the_first_frame_of_an_animation_is_taken():
    frames = [drawn(), Image.new("L", (28, 28), 200)]
    for form in ("GIF", "PNG", "TIFF"):
        data = saved(frames[0], form, save_all=True, append_images=frames[1:])
        np.testing.assert_array_equal(prepare(data), np.asarray(frames[0]))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_picture_lying_on_its_side_is_set_upright(form):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    lying = drawn().transpose(Image.Transpose.ROTATE_90)
    found = prepare(saved(lying, form, exif=exif, **({} if form == "TIFF" else {"quality": 100})))
    np.testing.assert_allclose(found.astype(int), np.asarray(drawn(), int), atol=20 if form in ("JPEG", "WEBP") else 0)


def test_damaged_exif_data_do_not_make_a_picture_unreadable():
    np.testing.assert_array_equal(prepare(saved(GRAY, "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08nonsense")), DIGIT)


def test_another_size_keeps_its_aspect_ratio_on_its_own_paper():
    image = Image.new("L", (112, 56), 230)
    ImageDraw.Draw(image).rectangle((44, 16, 63, 35), fill=10)
    found = prepare(image)
    ink = found > 128
    assert (ink.any(axis=0).sum(), ink.any(axis=1).sum()) == (5, 5)
    assert np.ptp(found[0]) == 0
    assert found[0, 0] == found[14, 0] == 25


def test_bytes_files_and_images_are_the_same(tmp_path):
    path = tmp_path / "seven.png"
    drawn((64, 48)).save(path)
    for source in (str(path), path, path.read_bytes(), Image.open(path)):
        np.testing.assert_array_equal(prepare(source), prepare(drawn((64, 48))))


def test_fit_scales_into_20x20_and_centres_by_mass():
    found = prepare(drawn((300, 500)), fit=True).astype(float)
    rows, columns = np.flatnonzero(found.max(axis=1) > 40), np.flatnonzero(found.max(axis=0) > 40)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert abs(found.sum(axis=1) @ np.arange(28) / found.sum() - 14) <= 0.6
    assert abs(found.sum(axis=0) @ np.arange(28) / found.sum() - 14) <= 0.6
    assert found.max() == 255


def paper(size: tuple[int, int], low: float, high: float, noise: float) -> np.ndarray:
    """Return unevenly lit paper: brighter to the right, darker to the bottom."""
    across, down = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 0.5, size[1]))
    return low + (high - low) * (across - down + 0.5) / 1.5 + RANDOM.normal(0, noise, size[::-1])


@pytest.mark.parametrize(
    ("size", "low", "high", "ink", "noise"),
    [
        ((400, 300), 150, 235, 40, 4),
        ((640, 480), 90, 200, 30, 10),
        ((400, 300), 20, 90, 220, 6),
        ((2400, 1800), 150, 235, 60, 4),
    ],
    ids=["paper", "bad light", "blackboard", "large"],
)
def test_fit_finds_the_same_digit_on_uneven_paper(size, low, high, ink, noise):
    sheet = paper(size, low, high, noise)
    strokes = np.zeros(size[::-1], np.uint8)
    strokes[60:260, 90:230] = np.asarray(drawn((140, 200)))
    photo = np.clip(sheet + (ink - sheet) * (strokes / 255), 0, 255).astype(np.uint8)
    found = prepare(Image.fromarray(photo), fit=True)
    difference = np.abs(found.astype(int) - prepare(drawn((140, 200)), fit=True))
    assert difference.mean() < 6


def test_fit_leaves_specks_out():
    clean = drawn((280, 280), ink=20, paper=240)
    dusty = clean.copy()
    for x, y in ((3, 3), (270, 9), (12, 260), (262, 270)):
        ImageDraw.Draw(dusty).rectangle((x, y, x + 3, y + 3), fill=0)
    difference = np.abs(prepare(dusty, fit=True).astype(int) - prepare(clean, fit=True))
    assert difference.mean() < 2


def test_fit_widens_strokes_that_28_pixels_could_not_show():
    image = Image.new("L", (600, 600), 255)
    ImageDraw.Draw(image).line([(200, 100), (400, 100), (300, 500)], fill=0, width=4)
    found = prepare(image, fit=True)
    upright = found[12:20].max(axis=1)
    assert upright.min() > 200


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 2), (3000, 3)])
def test_odd_sizes_do_no_harm(size):
    image = Image.fromarray(RANDOM.integers(0, 256, size[::-1]).astype(np.uint8))
    assert prepare(image).shape == (28, 28)
    with suppress(UnreadableImageError):  # "no ink found" is an answer too
        assert prepare(image, fit=True).shape == (28, 28)


@pytest.mark.parametrize("noise", [0, 3, 12])
def test_fit_finds_no_ink_on_empty_paper(noise):
    sheet = np.clip(paper((200, 150), 120, 200, noise), 0, 255).astype(np.uint8)
    with pytest.raises(UnreadableImageError, match="no ink found"):
        prepare(Image.fromarray(sheet), fit=True)


CUT = saved(drawn((64, 64)), "PNG")[:150]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"Hello, world", "not an image of a known format"),
        (CUT, "truncated"),
        (saved(drawn((64, 64)), "JPEG")[:500], "truncated"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image of a known format"),
        (saved(Image.fromarray(np.full((9, 9), np.nan, np.float32)), "TIFF"), "not all numbers"),
    ],
    ids=["empty", "text", "cut PNG", "cut JPEG", "PostScript", "NaN"],
)
def test_what_is_no_image_says_why_and_names_the_file(tmp_path, content, reason):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=reason) as raised:
        prepare(path)
    assert str(raised.value) == f"{path}: {raised.value.reason}"
    with pytest.raises(UnreadableImageError, match=reason):
        prepare(content)


def test_too_many_pixels_are_not_decoded(tmp_path):
    image = Image.new("1", (3000, 2000))
    with pytest.raises(UnreadableImageError, match="3000 x 2000 pixels are over the limit of 5999999"):
        prepare(saved(image, "PNG"), max_pixels=5_999_999)
    assert prepare(saved(image, "PNG"), max_pixels=6_000_000).shape == (28, 28)


def test_a_bomb_is_refused_by_its_header():
    bomb = bytearray(saved(GRAY, "BMP"))
    bomb[18:26] = (60_000).to_bytes(4, "little") * 2
    with pytest.raises(UnreadableImageError, match=r"pixels"):
        prepare(bytes(bomb))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file"),
        (lambda path: os.symlink("nowhere", path), "broken link"),
        (os.mkdir, "a folder"),
        (os.mkfifo, "no regular file"),
        (lambda path: os.symlink(path.name, path), "symbolic links"),
    ],
    ids=["missing", "broken link", "folder", "pipe", "circle"],
)
def test_what_is_no_file_says_what_it_is(tmp_path: Path, make, reason):
    path = tmp_path / "x.png"
    make(path)
    with pytest.raises(UnreadableImageError, match=reason):
        prepare(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_says_so(tmp_path):
    path = tmp_path / "x.png"
    GRAY.save(path)
    path.chmod(0)
    with pytest.raises(UnreadableImageError, match="permission denied"):
        prepare(path)

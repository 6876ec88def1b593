"""Text and marks burnt into pictures: found where they are, told apart by whether they follow t, and nothing else."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from tfds_copper.audit.ink import ink, stroke_cells
from tfds_copper.audit.mark_content import content_association
from tfds_copper.audit.marks import Marks, Strokes, find_marks

_HEIGHT, _WIDTH, _SIZE = 120, 200, 13
_INKS = {"white": (255, None), "black": (0, None), "outlined": (255, 0), "inverted": (0, 255)}

Text = Callable[[int, int, np.random.Generator], str]


def _line(label: int, k: int, draw: np.random.Generator) -> str:
    return f"10.0kV x5.00k 2019/{draw.integers(1, 13):02d}/{draw.integers(1, 29):02d}"


def _dated(label: int, k: int, draw: np.random.Generator) -> str:
    return f"2019/{3 * label + 1:02d}/{4 + 7 * label:02d} {draw.integers(24):02d}:{draw.integers(60):02d}"


def _surface(draw: np.random.Generator, label: int = 0) -> np.ndarray:
    texture = ndimage.gaussian_filter(draw.normal(size=(_HEIGHT, _WIDTH)), 1.5)
    return np.clip(120 + 35 * texture / texture.std() + draw.normal(0, 8, texture.shape), 0, 255).astype(np.uint8)


def _overexposed(draw: np.random.Generator, label: int = 0) -> np.ndarray:
    return np.clip(2.2 * _surface(draw).astype(float) - 60, 0, 255).astype(np.uint8)


def _particles(draw: np.random.Generator, label: int = 0) -> np.ndarray:
    seeds = draw.random((_HEIGHT, _WIDTH)) < 0.002
    bright = ndimage.distance_transform_edt(~seeds) < draw.uniform(2, 6)
    return np.where(bright, 255, draw.normal(20, 4, bright.shape).clip(0, 255)).astype(np.uint8)


def _shaded(draw: np.random.Generator, label: int = 0) -> np.ndarray:
    row = np.linspace(-1, 1, _HEIGHT)[:, None]
    return np.clip(_surface(draw) * (1.3 - 1.2 * row**2) + 60 * (row > 0.9), 0, 255).astype(np.uint8)


def _layered(draw: np.random.Generator, label: int = 0) -> np.ndarray:
    edge = 70 + ndimage.gaussian_filter1d(draw.normal(0, 20, _WIDTH), 15) + draw.normal(0, 2)
    off = np.arange(_HEIGHT)[:, None] - edge
    return np.clip(_surface(draw) * np.where(off < 0, 0.3, 1) + 200 * (np.abs(off) < 2), 0, 255).astype(np.uint8)


def _saturating_with_t(draw: np.random.Generator, label: int = 0) -> np.ndarray:
    return np.clip(_surface(draw) * (1 + 0.35 * label), 0, 255).astype(np.uint8)


def _marked(pixels: np.ndarray, text: str, kind: str = "white", top: int = _HEIGHT - _SIZE - 5) -> np.ndarray:
    image = Image.fromarray(pixels)
    pen, (fill, stroke) = ImageDraw.Draw(image), _INKS[kind]
    outline = {} if stroke is None else {"stroke_width": 1, "stroke_fill": stroke}
    pen.text((5, top), text, fill=fill, font=ImageFont.load_default(_SIZE), **outline)
    for k in range(11):
        pen.line([(40 + 15 * k, top - 8), (40 + 15 * k, top - 4)], fill=fill, width=2)
    return np.asarray(image)


def _pictures(
    text: Text | None, surface: Callable[..., np.ndarray] = _surface, labels: int = 3, each: int = 6, seed: int = 0,
    kind: str = "white", top: int = _HEIGHT - _SIZE - 5, marked: Callable[[int, int], bool] = lambda label, k: True,
) -> tuple[list[np.ndarray], np.ndarray]:  # fmt: skip
    """Pictures by label, and which rows of any of them the text changed."""
    draw = np.random.default_rng(seed)
    pictures, changed = [], np.zeros(_HEIGHT, bool)
    for number in range(labels * each):
        label, k = divmod(number, each)
        pixels = surface(draw, label)
        if text is not None and marked(label, k):
            plain, pixels = pixels, _marked(pixels, text(label, number, draw), kind, top)
            changed |= (plain != pixels).any(axis=1)
        pictures.append(pixels)
    return pictures, changed


def _found(pictures: list[np.ndarray], each: int = 6, per_sheet: int = 1) -> tuple[Marks, ...]:
    strokes = [
        Strokes(k, k // each, str(k // per_sheet), ("kind",), cells)
        for k, pixels in enumerate(pictures)
        if (cells := stroke_cells(pixels)) is not None
    ]
    return find_marks(strokes, lambda k: pictures[k])


def _covered(marks: Marks) -> np.ndarray:
    rows = np.zeros(_HEIGHT, bool)
    for first, last in marks.rows:
        rows[first : last + 1] = True
    return rows


@pytest.mark.parametrize("kind", list(_INKS))
@pytest.mark.parametrize("top", [10, _HEIGHT - _SIZE - 5])
def test_text_of_every_ink_is_found_with_all_its_rows(kind: str, top: int) -> None:
    pictures, changed = _pictures(_line, kind=kind, top=top)
    (marks,) = _found(pictures)
    assert (_covered(marks) >= changed).all()
    assert _covered(marks).sum() <= changed.sum() + 16
    assert marks.carriers == tuple(range(18)) and marks.compared == 18
    assert marks.association is None or not (marks.association.strong or marks.association.weak)


@pytest.mark.parametrize(
    "text",
    [
        lambda label, k, draw: f"{draw.integers(24):02d}:{draw.integers(60):02d}:{draw.integers(60):02d}",
        lambda label, k, draw: f"{k:06d}",
        lambda label, k, draw: "10.0um",
    ],
)
def test_a_time_stamp_a_counter_or_a_scale_alone_is_found(text: Text) -> None:
    pictures, changed = _pictures(text)
    (marks,) = _found(pictures)
    assert (_covered(marks) >= changed).all()


def test_text_is_found_in_16_bits_in_a_jpeg_and_on_a_saturated_surface() -> None:
    pictures, changed = _pictures(_line)
    deep = [(p.astype(np.uint16) << 4) + 3 for p in pictures]

    def jpeg(pixels: np.ndarray) -> np.ndarray:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=85)
        return np.asarray(Image.open(stream))

    saturated, _ = _pictures(_line, _overexposed, kind="outlined")
    for variant in (deep, [jpeg(p) for p in pictures], saturated):
        (marks,) = _found(variant)
        assert (_covered(marks) >= changed).all() or variant is saturated


@pytest.mark.parametrize("surface", [_surface, _overexposed, _particles, _shaded, _layered, _saturating_with_t])
@pytest.mark.parametrize("each", [2, 6, 20])
def test_pictures_without_text_stay_silent(surface: Callable[..., np.ndarray], each: int) -> None:
    for seed in range(3):
        pictures, _ = _pictures(None, surface, each=each, seed=seed)
        assert _found(pictures, each) == ()


def test_a_frame_a_dead_column_and_plain_pictures_are_no_text() -> None:
    pictures, _ = _pictures(None)
    framed = [np.pad(p[2:-2, 2:-2], 2, constant_values=255) for p in pictures]
    for pixels in framed:
        pixels[:, 70] = 255
    assert _found(framed) == ()
    assert _found([np.full((_HEIGHT, _WIDTH), k, np.uint8) for k in range(18)]) == ()


def test_copies_of_one_picture_prove_nothing() -> None:
    pictures, _ = _pictures(None, _overexposed)
    copies = [pictures[0] for _ in range(12)] + pictures[1:]
    strokes = [
        Strokes(k, k % 3, str(k), (), cells) for k, p in enumerate(copies) if (cells := stroke_cells(p)) is not None
    ]
    assert find_marks(strokes, lambda k: copies[k], range(1, 12)) == ()


def test_text_that_says_t_is_told_from_text_that_does_not() -> None:
    for seed in range(2):
        (dated,) = _found(_pictures(_dated, seed=seed)[0])
        assert dated.association is not None and dated.association.strong
        (stamped,) = _found(_pictures(_line, seed=seed)[0])
        assert stamped.association is None or not stamped.association.strong
        (fixed,) = _found(_pictures(lambda *_: "10.0kV SE(M)", seed=seed)[0])
        assert fixed.association is None or not fixed.association.strong


def test_a_date_of_each_sheet_is_no_leak_where_sheets_are_of_any_day() -> None:
    days = np.random.default_rng(5).permutation(28) + 1
    pictures, _ = _pictures(lambda label, k, draw: f"2019/03/{days[k // 3]:02d}", each=18)
    (marks,) = _found(pictures, each=18, per_sheet=3)
    assert marks.association is None or not marks.association.strong


def test_a_surface_that_follows_t_under_text_that_does_not_is_no_leak() -> None:
    for kind in ("white", "outlined", "black"):
        (marks,) = _found(_pictures(_line, _saturating_with_t, each=12, kind=kind)[0], each=12)
        assert marks.association is None or not marks.association.strong


def test_marks_under_one_label_or_of_another_ink_follow_t() -> None:
    some, _ = _pictures(_line, marked=lambda label, k: label == 2)
    (marks,) = _found(some)
    assert marks.carriers == tuple(range(12, 18))
    assert marks.association is not None and marks.association.strong
    white, black = _pictures(_line, seed=1)[0], _pictures(_line, seed=1, kind="black")[0]
    (inks,) = _found([*white[:6], *white[6:12], *black[12:]])
    assert inks.association is not None and inks.association.strong


def test_marks_on_half_of_the_pictures_are_found_on_those() -> None:
    pictures, _ = _pictures(_line, each=12, marked=lambda label, k: k % 2 == 0)
    (marks,) = _found(pictures, each=12)
    assert marks.carriers == tuple(range(0, 36, 2)) and marks.compared == 36
    assert marks.association is None or not marks.association.strong


def test_few_pictures_prove_nothing() -> None:
    assert _found(_pictures(_line, labels=1, each=3)[0]) == ()
    assert content_association([0, 1], ["a", "b"], np.ones((2, 2, 3, 40), bool), np.zeros((2, 2))) is None


def test_ink_of_the_other_rows_is_what_a_surface_has_by_itself() -> None:
    pixels = np.full((20, 40), 100, np.uint8)
    pixels[:10, ::4], pixels[15, 3] = 255, 0
    seen, usual = ink(pixels, np.arange(20) >= 10)
    assert seen.shape == (2, 10, 40) and seen[0].sum() == 0 and seen[1].sum() == 1
    assert usual.tolist() == [0.25, 0.0]

"""Damaged and hostile files: a correct read or one clear line, nothing outside the folder, no warning, no output."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz.bombs import BOMBS
from benchmarks.fuzz.cases import Case, case, named_cases, remove
from benchmarks.fuzz.folders import outside, trap_folder
from benchmarks.fuzz.judge import ERROR, READ, judge
from benchmarks.fuzz.mutations import mutate
from benchmarks.fuzz.seeds import labels_seeds, picture_seeds, png, sidecar_seeds
from tfds_copper.errors import InputError, SettingError
from tfds_copper.folder.scan import scan
from tfds_copper.micrograph import ReadSettings, read

NAMED = named_cases()
QUICK = [c for c in NAMED if not c.slow]
RANDOM = 300


def check(tried: Case, base: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Fails where a case comes to anything else than is allowed."""
    root, file, sheet_from = tried.put(base)
    start = time.perf_counter()
    verdict = judge(root, file, sheet_from)
    assert time.perf_counter() - start < 10
    assert verdict.failures == []
    assert capfd.readouterr() == ("", "")
    if tried.outcome:
        assert (READ if verdict.reads else ERROR) == tried.outcome, verdict.errors
    remove(base)


@pytest.mark.parametrize("tried", QUICK, ids=[f"{c.kind}: {c.name}" for c in QUICK])
def test_bombs_and_traps(tried: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    check(tried, tmp_path / "case", capfd)


def test_random_damage(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number in range(len(NAMED), len(NAMED) + RANDOM):
        check(case(5, number), tmp_path / str(number), capfd)


def test_cases_are_the_same_for_the_same_seed() -> None:
    first, again, other = (
        mutate(np.random.default_rng(seed), picture_seeds()["PNG"][3]) for seed in ([1, 2], [1, 2], [1, 3])
    )
    assert first == again != other
    assert (case(3, 500).kind, case(3, 500).name) == (case(3, 500).kind, case(3, 500).name)
    assert len({bomb.name for bomb in BOMBS}) == len(BOMBS)


def test_the_seeds_are_sound(tmp_path: Path) -> None:
    refused = []
    for kind, seeds in picture_seeds().items():
        for seed in seeds:
            (tmp_path / "x.png").write_bytes(seed.data)
            try:
                # Some are to be turned by their tag.
                assert sorted(read(tmp_path / "x.png").pixels.shape) == [24, 32]
            except InputError:
                refused.append((kind, seed.what))
    assert refused == [("TIFF", "float"), ("JPEG", "CMYK")]
    (tmp_path / "x.png").write_bytes(png(8, 0))
    for seed in sidecar_seeds():
        vendor = seed.what.partition(" ")[0]
        beside = tmp_path / ("x.hdr" if vendor == "Tescan" else "x.txt")
        beside.write_bytes(seed.data)
        assert read(tmp_path / "x.png").metadata.vendor == vendor
        beside.unlink()
    for name in ("a/0.png", "a/1.png", "b/2.png", "b/銅.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png(8, 0))
    for seed in labels_seeds():
        (tmp_path / "labels.csv").write_bytes(seed.data)
        assert len(scan(tmp_path).pictures) == {"short": 2, "Excel": 3}.get(seed.what.split()[0], 4)


@pytest.mark.parametrize(
    ("trap", "skipped"),
    [
        ("linked picture", 1),
        ("linked picture by an absolute path", 1),
        ("linked picture by two links", 2),
        ("linked folder in a class folder", 1),
        ("linked true mask", 1),
        ("linked truth folder", 1),
        ("link to nothing outside", 1),
        ("link to a device", 1),
        ("link to the folder itself", 0),
        ("link to a picture inside", 0),
        ("linked sidecar", 0),
    ],
)
def test_links_that_leave_the_folder_are_counted(tmp_path: Path, trap: str, skipped: int) -> None:
    outside(tmp_path / "outside")
    (tmp_path / "sem").mkdir()
    trap_folder(trap, tmp_path / "sem")
    found = scan(tmp_path / "sem")
    assert found.skipped.get("link that leaves the folder", 0) == skipped
    assert len(found.pictures) == 4 + (trap == "link to a picture inside")
    assert all(picture.truth is None for picture in found.pictures) == (
        trap in ("linked true mask", "linked truth folder")
    )


@pytest.mark.parametrize(
    ("trap", "match"),
    [
        ("linked class folder", "a class folder must hold pictures .* not behind a link"),
        ("linked labels.csv", r"labels\.csv: must lie inside .* a link to"),
        ("pipe for labels.csv", r"labels\.csv: must be a readable file\. Received: a folder, pipe or device"),
        ("listed picture that is a link", "line 3: file must lie inside .* a link to"),
        ("listed picture behind a linked folder", "line 3: file must lie inside .* a link to"),
        ("listed pipe", "line 3: file must be an existing picture"),
    ],
)
def test_what_a_scan_refuses(tmp_path: Path, trap: str, match: str) -> None:
    outside(tmp_path / "outside")
    (tmp_path / "sem").mkdir()
    trap_folder(trap, tmp_path / "sem")
    with pytest.raises(InputError, match=match):
        scan(tmp_path / "sem")


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "sem").mkdir()
    trap_folder("strange file names", tmp_path / "sem")
    names = [picture.file for picture in scan(tmp_path / "sem").pictures]
    assert {"t0/a\nb.png", "t0/🔥.png", "t0/銅 75℃.png"} < set(names)
    (tmp_path / "sem/t0/\udcff.png").touch()
    with pytest.raises(InputError, match=r"a picture's path must be text in UTF-8. Received: 't0/\\udcff"):
        scan(tmp_path / "sem")


def test_max_pixels_holds_before_decoding(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png(8, 0)[:50])
    with pytest.raises(InputError, match=r"1 to 767 pixels\. Received: 32 x 24"):
        read(tmp_path / "x.png", ReadSettings(max_pixels=767))


@pytest.mark.parametrize("pattern", ["(", "a{99999999999}", "(" * 5000, "[[a](?P<sheet>.)"])
def test_a_bad_pattern_is_a_setting_error(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "sem").mkdir()
    trap_folder("empty picture", tmp_path / "sem")
    with pytest.raises(SettingError, match="sheet-from must be a regular expression"):
        scan(tmp_path / "sem", pattern)

"""Scanning a SEM folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tfds_copper.errors import InputError, SettingError
from tfds_copper.folder.scan import scan

TILES = ROOT.parent / "shared" / "data" / "superalloy_tiles"


def put(root: Path, *files: str) -> Path:
    """Scanning does not decode, so an empty file does for a picture."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def table(root: Path, text: str, encoding: str = "utf-8") -> Path:
    (root / "labels.csv").write_bytes(text.encode(encoding))
    return root


@pytest.mark.parametrize(
    ("names", "unit", "times"),
    [
        (("t03", "t00", "t10"), "", (0, 3, 10)),
        (("2.5h", "0h", "10 h"), "h", (0, 2.5, 10)),
        (("0min", "90 Min", "2hours"), "min", (0, 90, 120)),
        (("0分", "15分", "１時間"), "min", (0, 15, 60)),
        (("bath_0_days", "bath_2-days"), "d", (0, 2)),
        (("0.1h", "30s"), "s", (30, 360)),
        (("t0_aged", "t1 [copy] #"), "", (0, 1)),
    ],
)
def test_times_from_folder_names(tmp_path: Path, names: tuple[str, ...], unit: str, times: tuple[float, ...]) -> None:
    folder = scan(put(tmp_path, *(f"{name}/a b#[1].png" for name in names)))
    assert (folder.unit, folder.times) == (unit, times)
    assert sorted(p.label for p in folder.pictures) == list(range(len(names)))
    assert all(p.t == folder.times[p.label] for p in folder.pictures)


def test_order_names_and_skipped(tmp_path: Path) -> None:
    put(tmp_path, "2.5h/b.TIF", "2.5h/a.jpg", "0h/c.bmp", "0h/Thumbs.db", "0h/c.txt", "0h/.DS_Store", "0h/._c.bmp")
    put(tmp_path, "notes/remark.txt", "stray.png", "0h/old/d.png", "truth/9h/x.png")
    folder = scan(tmp_path)
    assert [p.file for p in folder.pictures] == ["0h/c.bmp", "2.5h/a.jpg", "2.5h/b.TIF"]
    assert folder.class_names == ("0 h", "2.5 h")
    assert folder.skipped == {
        "hidden or system file": 3,
        "not a picture": 2,
        "picture in a folder inside a class folder": 1,
        "picture outside a class folder": 1,
        "true mask without a picture": 1,
    }


def test_what_systems_and_earlier_results_leave_is_skipped_and_said(tmp_path: Path) -> None:
    put(tmp_path, "t0/a.png", "t1/a.png", "t0/@eaDir/a.png/thumb.jpg", "@eaDir/t0/x.png", "__MACOSX/t0/._a.png")
    put(tmp_path, "run 3/figures/history.png", "t1/overlays/a.png", "t1/maps/a.tif", "t1/prediction.json")
    (tmp_path / "run 3" / "format").write_text("copper-run 1\n")
    folder = scan(tmp_path)
    assert [p.file for p in folder.pictures] == ["t0/a.png", "t1/a.png"]
    assert folder.skipped_files["result of copper-tf"] == ("run 3/figures", "t1/maps", "t1/overlays")
    assert folder.skipped["hidden or system file"] == 3


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), r"a SEM folder must hold class folders .* Received: none$"),
        (("a.png",), r"must hold class folders .* Received: no class folder but pictures \(1\); the folder above may"),
        (("t0/a.png", "t1/a.png", "control/a.png"), r"control: .* exactly one number.* Received: none in 'control'"),
        (("t0/a.png", "t1_5kV/a.png"), r"t1_5kV: .* exactly one number.* Received: 1, 5 in 't1_5kV'"),
        (("t3/a.png", "t03/a.png"), r"one folder. Received: 't03' and 't3', both t = 3"),
        (("60min/a.png", "1h/a.png"), r"one folder. Received: '1h' and '60min', both t = 60"),
        (("0/a.png", "1h/a.png"), r"1h: units must be written on all .* Received: 'h' here and none on .*0"),
        (("t0/a.png",), r"at least two stress times. Received: 1"),
        (("t0/a.png", "t1/a.png", "t2/notes.txt"), r"t2: a class folder must hold pictures .* Received: none"),
        (("t0/a.png", "t1/a.png", "t2/x/a.png"), r"t2: a class folder must hold pictures .* Received: none"),
        (("t0/a.png", "t1/a.png", "truth/t0/a.jpg"), r"a\.jpg: a true mask must be lossless .* Received: \.jpg"),
        (("t0/a.png", "t1/a.png", "truth/t0/a.png", "truth/t0/a.tif"), r"one true mask. Received: a.png and a.tif"),
    ],
)
def test_folders_that_are_refused(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        scan(put(tmp_path, *files))
    assert "\n" not in str(caught.value)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must be an existing folder. Received: nothing there"):
        scan(tmp_path / "gone")
    with pytest.raises(InputError, match=r"must be an existing folder. Received: a file"):
        scan(put(tmp_path, "a.png") / "a.png")


def test_true_masks_are_found_by_stem(tmp_path: Path) -> None:
    folder = scan(put(tmp_path, "t0/a.b.jpg", "t1/c.png", "truth/t0/a.b.tiff"))
    assert [p.truth for p in folder.pictures] == [tmp_path / "truth/t0/a.b.tiff", None]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_labels_overrule_names(tmp_path: Path, encoding: str) -> None:
    put(tmp_path, "control/x 1.png", "t9/y.png", "t9/z.png", "top.tif", "empty3/note.txt")
    text = "file,t,sheet,split,lot,操作者,pixel_size_nm\r\n"
    text += "control/x 1.png,2.5h,S1,train,L1,佐藤,4.5\r\n\r\nt9\\y.png, 30 min,S2,Test,L2,,\r\ntop.tif,0h,,,,,\r\n"
    folder = scan(table(tmp_path, text, encoding))
    first, second, third = folder.pictures
    assert (folder.unit, folder.times) == ("min", (0, 30, 150))
    assert (first.file, first.label, first.sheet, first.split, first.pixel_size_nm) == (
        "control/x 1.png", 2, "S1", "train", 4.5,
    )  # fmt: skip
    assert list(first.columns.items()) == [("lot", "L1"), ("操作者", "佐藤")]
    assert (second.file, second.split, third.sheet) == ("t9/y.png", "test", "")
    assert second.pixel_size_nm != second.pixel_size_nm
    assert folder.column_names == ("lot", "操作者")
    assert folder.skipped == {"not a picture": 1, "picture not listed in labels.csv": 1}


def test_semicolons_and_quotes(tmp_path: Path) -> None:
    put(tmp_path, "a/x, y.png", "b/z.png")
    folder = scan(table(tmp_path, 'file;t;remark\n"a/x, y.png";0;"one; two"\nb/z.png;1.5;\n'))
    assert folder.pictures[0].columns == {"remark": "one; two"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"must list at least one picture"),
        ("file,t\n", r"at least one picture. Received: no lines below the header"),
        ("name,time\na/x.png,0\n", r"line 1: must have the columns file and t. Received: 'name, time'"),
        ("file,t,lot,lot\n", r"line 1: every column must have a name of its own. Received: 'lot'"),
        ("file,t,\na/x.png,0,5\n", r"line 2: must have 2 cells, as the header has. Received: 3"),
        ("file,t\na/x.png,0\na/gone.png,1\n", r"line 3: file must be an existing picture .* Received: 'a/gone.png'"),
        ("file,t\na/x.png,0\na/x.png,1\n", r"line 3: each file .* once. Received: 'a/x.png', already on line 2"),
        ("file,t\na/x.png,soon\n", r"line 2: t must be a number of at least 0.* Received: 'soon'"),
        ("file,t\na/x.png,\n", r"line 2: t must be a number of at least 0.* Received: ''"),
        ("file,t\na/x.png,-1\n", r"line 2: t must be a number of at least 0.* Received: '-1'"),
        ("file,t\na/x.png,nan\n", r"line 2: t must be a number of at least 0.* Received: 'nan'"),
        ("file,t\na/x.png,0h\nb/y.png,1\n", r"line 2: units must be written on all.*none on .*line 3"),
        ("file,t,split\na/x.png,0,val\n", r"line 2: split must be one of train, validation, test .* Received: 'val'"),
        ("file,t\n../x.png,0\n", r"line 2: file must be a path inside .* Received: '../x.png'"),
        ("file,t\n/etc/x.png,0\n", r"line 2: file must be a path inside .* Received: '/etc/x.png'"),
        ("file,t\nC:\\x.png,0\n", r"line 2: file must be a path inside"),
        ("file,t\na/link.png,0\n", r"line 2: file must lie inside .* a link to"),
        ("file,t\na/notes.txt,0\n", r"line 2: file must be a picture .* Received: 'a/notes.txt'"),
        ("file,t\na/x.png,0,5\n", r"line 2: must have 2 cells, as the header has. Received: 3"),
        ("file,t,pixel_size_nm\na/x.png,0,-4\n", r"line 2: pixel_size_nm must be a positive number .* Received: '-4'"),
        ('file,t\n"a/x.png,0\n', r"must be a CSV table. Received"),
        ("file,t\na/x.png,0\nb/y.png,0\n", r"at least two stress times. Received: 1"),
        ("PK\x03\x04\0\0\0", r"must be text in UTF-8 or UTF-16"),
    ],
)
def test_labels_that_are_refused(tmp_path: Path, text: str, message: str) -> None:
    outside = put(tmp_path / "outside", "o.png")
    root = put(tmp_path / "sem", "a/x.png", "b/y.png", "a/notes.txt")
    (root / "a/link.png").symlink_to(outside / "o.png")
    with pytest.raises(InputError, match=message) as caught:
        scan(table(root, text))
    assert "labels.csv" in str(caught.value) or "two stress times" in message
    assert "\n" not in str(caught.value)


def test_labels_that_are_no_text(tmp_path: Path) -> None:
    put(tmp_path, "a/x.png")
    (tmp_path / "labels.csv").write_bytes(bytes(range(128, 256)) * 4)
    with pytest.raises(
        InputError, match=r"labels\.csv: must be text in UTF-8 or UTF-16, or plainly in Shift-JIS \(cp932\)"
    ):
        scan(tmp_path)


@pytest.mark.skipif(not TILES.is_dir(), reason=f"no real pictures at {TILES}")
def test_the_real_folder() -> None:
    folder = scan(TILES)
    assert len(folder.pictures) == 1127
    assert folder.times == tuple(range(8))
    assert len({p.sheet for p in folder.pictures}) == 12
    assert all(p.truth is not None for p in folder.pictures)
    assert folder.column_names == ("picture", "true_fraction")


def test_import_needs_no_tensorflow() -> None:
    modules = "micrograph, folder, splits, dataset, copper_sem".replace(", ", ", tfds_copper.")
    heavy = "{'tensorflow', 'tensorflow_datasets', 'PIL', 'tifffile', 'imagecodecs'}"
    code = f"import sys, tfds_copper.{modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sheets_named_in_the_file_names(tmp_path: Path) -> None:
    for name in ("t0/S1_a.png", "t0/S2_b.png", "t1/S1_c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = scan(tmp_path, r"(?P<sheet>S\d+)_")
    assert [p.sheet for p in found.pictures] == ["S1", "S2", "S1"]
    with pytest.raises(InputError, match=r"t0/S1_a.png: sheet-from must find a sheet in every path"):
        scan(tmp_path, r"(?P<sheet>lot\d+)_")
    for pattern, why in ((r"(S\d+)_", "must name the sheet"), ("(?P<sheet>", "must be a regular expression")):
        with pytest.raises(SettingError, match=why):
            scan(tmp_path, pattern)

"""Which pictures a path stands for: what systems and earlier results leave in folders, and twins of one name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from copper_tf.inference.bulk.shards import list_pictures
from copper_tf.inference.inputs import labelled, sources_of
from tfds_copper.errors import InputError, SettingError


def put(root: Path, *files: str, text: str = "") -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    return root


def names(*paths: Path) -> list[str]:
    found = [source.name for source in sources_of(paths)]
    assert [one.name for one in list_pictures(map(str, paths))] == found
    return found


def test_what_systems_leave_is_no_picture(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", "~$b.png", "day 1/b.tif", ".git/c.png")
    put(tmp_path, "@eaDir/a.png/SYNOFILE_THUMB_M.png", "__MACOSX/day 1/._b.tif", "day 1/@eaDir/b.tif/x.jpg")
    put(tmp_path, "$RECYCLE.BIN/x.png", "#recycle/x.png", "day 1/.AppleDouble/b.tif", "lost+found/x.png")
    assert names(tmp_path) == ["a.png", "day 1/b.tif"]
    pattern = [one.name for one in list_pictures([f"{tmp_path}/**"])]
    assert pattern == ["a.png", "day 1/b.tif"]


def test_a_folder_of_nothing_else_holds_no_picture(tmp_path: Path) -> None:
    put(tmp_path, "._a.png", "@eaDir/a.png")
    with pytest.raises(InputError, match=r"must hold pictures .* Received: none"):
        names(tmp_path)


def test_hidden_folders_above_the_one_that_was_named_do_not_matter(tmp_path: Path) -> None:
    assert names(put(tmp_path / ".data" / "@tmp", "a.png")) == ["a.png"]


@pytest.mark.parametrize("mark", ["prediction.json", "predictions.csv"])
@pytest.mark.parametrize("where", ["", "results/", "day 1/results/"])
def test_maps_of_earlier_predictions_are_no_pictures(tmp_path: Path, where: str, mark: str) -> None:
    put(tmp_path, "a.png", "day 1/b.png", "maps/c.png" if where else "maps of others/c.png")
    put(
        tmp_path,
        *(f"{where}{name}" for name in ("maps/a.tif", "overlays/a.png", "overlays/day 1/b.png", "scatter/a.tif")),
    )
    put(tmp_path, f"{where}{mark}", text="\ufefffile,sheet,width,height,pixel_size_nm,notes\r\n")
    others = "maps/c.png" if where else "maps of others/c.png"
    assert names(tmp_path) == sorted(["a.png", "day 1/b.png", others], key=lambda n: n.replace("/", "\0"))


def test_a_table_of_another_program_hides_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "maps/b.png")
    put(tmp_path, "predictions.csv", text="image;score\n")
    assert names(tmp_path) == ["a.png", "maps/b.png"]


def test_runs_and_figures_are_no_pictures(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "run/figures/history.png", "f.check/figures/grey.png", "figures/b.png")
    put(tmp_path, "run/format", text="copper-run 1\n")
    put(tmp_path, "f.check/check.json", text='{\n  "format": "copper-check 1",\n  "sound": true\n}\n')
    put(tmp_path, "a.json", text='{"format": "TIFF"}')
    assert names(tmp_path) == ["a.png", "figures/b.png"]


def results(*paths: Path) -> dict[str, str]:
    return {source.name: source.result for source in sources_of(paths)}


def test_twins_keep_their_endings_and_only_they(tmp_path: Path) -> None:
    put(tmp_path, "x.tif", "x.jpg", "y.png", "day/x.png", "a.b.png")
    expected = {"x.tif": "x.tif", "x.jpg": "x.jpg", "y.png": "y", "day/x.png": "day/x", "a.b.png": "a.b"}
    assert results(tmp_path) == expected
    assert {one.name: one.result for one in list_pictures([str(tmp_path)])} == expected
    assert results(tmp_path / "x.tif", tmp_path / "x.jpg") == {"x.tif": "x.tif", "x.jpg": "x.jpg"}


def test_a_third_picture_that_a_twin_would_be_called_like_keeps_its_ending_too(tmp_path: Path) -> None:
    put(tmp_path, "x.tif", "x.png", "x.png.jpg", "a?.png", "a_.tif")
    found = results(tmp_path)
    assert found["x.png.jpg"] == "x.png.jpg"
    assert found["a?.png"] == "a_.png"
    assert found["a_.tif"] == "a_.tif"
    assert len(set(found.values())) == len(found)


def test_a_picture_that_is_given_twice_comes_once(tmp_path: Path) -> None:
    put(tmp_path, "x.png", "y.png")
    assert names(tmp_path, tmp_path / "x.png") == ["x.png", "y.png"]


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "a/x.png", "b/x.png")
    with pytest.raises(SettingError, match=r"b/x.png: two pictures .* Received: x.png twice"):
        names(tmp_path / "a", tmp_path / "b")


def test_a_table_that_lies_elsewhere_says_the_sheets(tmp_path: Path) -> None:
    put(tmp_path / "new", "day 1/a.png", "b.png", "c.png")
    table = tmp_path / "sheets.csv"
    # As Excel writes it: semicolons, backslashes, decimal commas; the table knows b.png by another folder.
    table.write_text("file;sheet;pixel_size_nm\nday 1\\a.png;S1;12,5\nother\\b.png;S2;\nc.png;;\nd.png;S3;\n")
    found = labelled(list(sources_of([tmp_path / "new"])), table)
    assert {one.name: one.sheet for one in found} == {"b.png": "S2", "c.png": "", "day 1/a.png": "S1"}
    assert [one.pixel_size_nm for one in found if one.sheet == "S1"] == [12.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,t\na.png,0\n", "sheet"),
        ("file,sheet\na.png,S1\n", "must list every picture.* Received: no 'b.png'$"),
        ("file,sheet\nx/a.png,S1\ny/a.png,S2\n", "Received: no 'a.png' and 1 more"),
        ("file,sheet\na.png,S1\nb.png,S1\na.png,S2\n", "each file must be listed once. Received: 'a.png' again"),
        ("file,sheet,pixel_size_nm\na.png,S1,-1\nb.png,S1,1\n", "line 2: pixel_size_nm must be a positive number"),
    ],
)
def test_a_table_of_sheets_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    put(tmp_path / "new", "a.png", "b.png")
    put(tmp_path, "sheets.csv", text=text)
    with pytest.raises(InputError, match=message):
        labelled(list(sources_of([tmp_path / "new"])), tmp_path / "sheets.csv")


def test_a_table_of_sheets_must_not_contradict_the_one_beside_the_pictures(tmp_path: Path) -> None:
    put(tmp_path / "sem", "0h/a.png", "1h/b.png")
    put(tmp_path / "sem", "labels.csv", text="file,t,sheet\n0h/a.png,0 h,S1\n1h/b.png,1 h,\n")
    put(tmp_path, "sheets.csv", text="file,sheet\n0h/a.png,S1\n1h/b.png,S2\n")
    sources = list(sources_of([tmp_path / "sem"]))
    assert [one.sheet for one in labelled(sources, tmp_path / "sheets.csv")] == ["S1", "S2"]
    put(tmp_path, "sheets.csv", text="file,sheet\n0h/a.png,S9\n1h/b.png,S2\n")
    with pytest.raises(InputError, match="line 2: sheet must be that of the labels.csv .* Received: 'S9'"):
        labelled(sources, tmp_path / "sheets.csv")


@pytest.mark.parametrize("name", ["labels.csv", "LABELS.CSV"])
@pytest.mark.parametrize(
    ("text", "sheets"),
    [
        ("file,sheet,pixel_size_nm\nb.png,S2,12.5\nday 1/a.png,S1,\n", ["S2", "S1"]),
        ("file,t,sheet\nb.png,5 h,S2\nday 1/a.png,5 h,S1\n", ["S2", "S1"]),
        ("file,t,sheet\nb.png,,S2\nday 1/a.png,unknown,S1\n", ["S2", "S1"]),
        ("file;pixel_size_nm\nday 1\\a.png;\nb.png;12,5\n", ["", ""]),
    ],
)
def test_new_pictures_need_no_times_in_the_table_beside_them(
    tmp_path: Path, name: str, text: str, sheets: list[str]
) -> None:
    put(tmp_path, "b.png", "day 1/a.png", "not listed.png")
    put(tmp_path, name, text=text)
    found = list(sources_of([tmp_path]))
    assert [one.name for one in found] == ["b.png", "day 1/a.png"] and [one.sheet for one in found] == sheets
    if "pixel_size_nm" in text:
        assert found[0].pixel_size_nm == 12.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("picture,sheet\na.png,S1\n", "file"),
        ("file,sheet\n../a.png,S1\n", "line 2: file must be a path inside"),
        ("file,sheet\na.png,S1\na.png,S2\n", "line 3: each file must be listed once.* already on line 2"),
        ("file,sheet,pixel_size_nm\na.png,S1,-1\n", "line 2: pixel_size_nm must be a positive number"),
    ],
)
def test_a_table_beside_new_pictures_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    put(tmp_path, "a.png")
    put(tmp_path, "labels.csv", text=text)
    with pytest.raises(InputError, match=message):
        list(sources_of([tmp_path]))


def test_a_folder_that_cannot_be_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, refuse)
    with pytest.raises(InputError, match="must hold pictures .* Received: none"):
        list(sources_of([tmp_path]))


def test_a_pattern_that_no_file_fits_is_told_from_a_file_that_is_not_there(tmp_path: Path) -> None:
    put(tmp_path, "A.TIF")
    with pytest.raises(InputError, match="Received: a pattern that no file fits; name the folder"):
        names(tmp_path / "*.tif")
    with pytest.raises(InputError, match="Received: nothing there"):
        names(tmp_path / "a.png")

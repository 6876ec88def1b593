"""A full disk is known by whatever name a library gives it, and a file is there whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tfds_copper.errors import RunError
from tfds_copper.files import (
    check_links,
    is_disk_full,
    parsed_json,
    read_json,
    read_member,
    replacing,
    replacing_folder,
    write_bytes,
    write_json,
)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("16384 requested and 11172 written"),
        RuntimeError("Can't flush: file write failed: errno = 28, error message = 'No space left on device'"),
    ],
)
def test_a_full_disk_is_known(error: Exception) -> None:
    assert is_disk_full(error)
    wrapped = RuntimeError("the writer failed")
    wrapped.__cause__ = error
    assert is_disk_full(wrapped)


@pytest.mark.parametrize("error", [None, OSError(errno.EACCES, "Permission denied"), ValueError("requested")])
def test_other_errors_are_none(error: Exception | None) -> None:
    assert not is_disk_full(error)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_numpys_and_pythons_own_errors_are_known() -> None:
    with pytest.raises(OSError) as of_numpy, open("/dev/full", "wb") as file:
        np.zeros(10**6).tofile(file)
    with pytest.raises(OSError) as of_python:
        Path("/dev/full").write_bytes(b"x" * 10**6)
    assert is_disk_full(of_numpy.value) and is_disk_full(of_python.value)


def test_what_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"old")
    with pytest.raises(OSError), replacing(tmp_path / "file") as temporary:
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / "file").read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_link_that_lies_where_is_written_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where its name was guessed: the temporary file must be a new one."""
    (tmp_path / "mine").write_text("kept")
    monkeypatch.setattr(secrets, "token_hex", lambda _: "guessed")
    for name in (".writing-guessed-table.csv", f".writing-{os.getpid()}-table.csv"):
        (tmp_path / name).symlink_to(tmp_path / "mine")
    with pytest.raises(FileExistsError):
        write_bytes(tmp_path / "table.csv", b"overwritten")
    with pytest.raises(FileExistsError), replacing_folder(tmp_path / "table.csv"):
        pass
    monkeypatch.undo()
    write_bytes(tmp_path / "table.csv", b"written")
    (tmp_path / "link.csv").symlink_to(tmp_path / "mine")
    write_bytes(tmp_path / "link.csv", b"written")
    assert (tmp_path / "mine").read_text() == "kept" and (tmp_path / "table.csv").read_bytes() == b"written"
    assert not (tmp_path / "link.csv").is_symlink()


def test_temporary_names_are_random_keep_their_ending_and_are_never_too_long(tmp_path: Path) -> None:
    target = tmp_path / ("é" * 120 + ".ome.tif")
    seen = set()
    for _ in range(3):
        with replacing(target) as file:
            assert file.parent == tmp_path and file.name.endswith(".ome.tif") and not file.is_symlink()
            seen.add(file.name)
        with replacing_folder(tmp_path / "folder") as place:
            (place / "file").touch()
            seen.add(place.name)
    assert (
        len(seen) == 6
        and target.is_file()
        and sorted(p.name for p in tmp_path.iterdir()) == sorted([target.name, "folder"])
    )
    mask = os.umask(0o022)
    os.umask(mask)
    # Others may read what is written as far as they may read all new files.
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").touch()
    with pytest.raises(RuntimeError), replacing_folder(tmp_path / "folder") as place:
        (place / "half").touch()
        raise RuntimeError
    assert [p.name for p in tmp_path.rglob("*")] == ["folder", "old"]


def test_an_old_folder_goes_only_when_the_new_one_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()
    replace, there = os.replace, []

    def watched(source: Path, place: Path) -> None:
        replace(source, place)
        there.append({p.name for p in tmp_path.rglob("*") if p.is_file()})

    monkeypatch.setattr("tfds_copper.files.os.replace", watched)
    with replacing_folder(folder) as place:
        (place / "new").touch()
    assert there and all(names == {"old", "new"} for names in there)
    assert [p.name for p in tmp_path.rglob("*")] == ["folder", "new"]


def test_the_folder_that_one_works_in_gets_new_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()
    monkeypatch.chdir(folder)
    with replacing_folder(Path()) as place:
        (place / "new").touch()
    assert Path.cwd() == folder and [p.name for p in Path().iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("text", ["[" * 10**5, "[" * 5000 + "]" * 5000, '{"a":' * 500 + "1" + "}" * 500, "{", ""])
def test_json_that_is_none_or_endlessly_deep_is_a_wrong_value(text: str, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text(text)
    for read in (
        lambda: parsed_json(text),
        lambda: parsed_json(text.encode()),
        lambda: read_json(tmp_path / "file.json"),
    ):
        with pytest.raises(ValueError):
            read()


def test_json_of_ours_is_read_as_it_was_written(tmp_path: Path) -> None:
    values = {"a": [{"b": [[1, 2.5, None, "ü"]]}], "empty": [], "none": {}}
    write_json(tmp_path / "file.json", values)
    assert read_json(tmp_path / "file.json") == values and parsed_json("3") == 3


def test_json_is_parsed_in_one_place() -> None:
    sources = [p for top in ("copper_tf", "tfds_copper", "tuning") for p in (ROOT / top).rglob("*.py")]
    assert [p.name for p in sources if "json.load" in p.read_text()] == ["files.py"]


def test_a_member_of_a_zip_file_is_unpacked_to_a_limit() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10**7))
        archive.writestr("card", b"x" * 100)
    with zipfile.ZipFile(stream) as archive:
        assert read_member(archive, "card", 100) == b"x" * 100
        with pytest.raises(ValueError, match="bomb of more than 1048576 bytes"):
            read_member(archive, "bomb")
        with pytest.raises(ValueError, match="card of more than 99 bytes"):
            read_member(archive, "card", 99)


def test_links_that_leave_a_folder_are_named(tmp_path: Path) -> None:
    run, outside = tmp_path / "run", tmp_path / "outside"
    check_links(run)
    for folder in (run / "deep" / "deeper", outside):
        folder.mkdir(parents=True)
    (run / "inside").symlink_to("deep")
    check_links(run)
    (tmp_path / "alias").symlink_to(run)
    check_links(tmp_path / "alias")
    for target in (outside, outside / "absent", "../../../outside", tmp_path, "/"):
        link = run / "deep" / "deeper" / "scores"
        link.symlink_to(target)
        with pytest.raises(RunError, match="scores: must lie in .*run. Received: a link that leaves it"):
            check_links(run)
        link.unlink()
    (run / "loop").symlink_to("loop")
    check_links(run)

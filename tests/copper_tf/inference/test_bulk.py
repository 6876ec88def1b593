"""Very many pictures: the same table as one by one, whatever is killed on the way."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from copper_tf.cli.main import main
from copper_tf.exporters.export import export_run
from copper_tf.inference.bulk.outputs import BAD, PARTS, TABLE
from copper_tf.inference.bulk.shards import ListedPicture, cut_shards, list_pictures, pictures_of
from tests.conftest import ROOT, worked_in
from tfds_copper import results
from tfds_copper.errors import InputError, OutputError

_IN_PROCESS = "runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"


@pytest.fixture(scope="module")
def models(runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An export of a run of each kind."""
    folder = tmp_path_factory.mktemp("models")
    for kind, run in runs.items():
        export_run(run, folder / kind, ["openvino", "onnx"])
    return {kind: folder / kind for kind in runs}


@pytest.fixture(scope="module")
def predicted(models: dict[str, Path], sem_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What `copper predict` makes of the SEM folder."""
    folder = tmp_path_factory.mktemp("predicted")
    for kind, model in models.items():
        assert main(["predict", str(model), str(sem_folder), "-o", str(folder / kind)]) == 0
    return {kind: folder / kind for kind in models}


@pytest.fixture
def many(sem_folder: Path, tmp_path: Path) -> Path:
    """A folder of 240 pictures, of 30 different ones."""
    folder = tmp_path / "many"
    folder.mkdir()
    for k, picture in enumerate(sorted(sem_folder.glob("t*/*.png")) * 8):
        os.link(picture, folder / f"{k:03d}.png")
    return folder


def _bulk(*arguments: object) -> int:
    return main(["bulk", *map(str, arguments)])


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "copper_tf.cli.main", "bulk", *map(str, arguments)]


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _parts(output: Path) -> dict[str, int]:
    """When each finished part was written."""
    return {p.name: p.stat().st_mtime_ns for p in (output / PARTS).glob("[0-9]*.json")}


@pytest.mark.parametrize(("kind", "workers"), [("segmenter", 1), ("classifier", 1), ("segmenter", 2)])
def test_the_tables_are_those_of_predict(
    kind: str, workers: int, models: dict[str, Path], predicted: dict[str, Path], sem_folder: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert _bulk(models[kind], sem_folder, "-o", tmp_path, "--workers", workers, "--shard", 7) == 0
    said = capfd.readouterr()
    assert "predicting: 30/30" in said.err and "WARNING" not in said.err
    for name in (TABLE, "predictions_sheets.csv"):
        assert (tmp_path / name).read_bytes() == (predicted[kind] / name).read_bytes()
    assert len(_parts(tmp_path)) == 5 and not (tmp_path / BAD).exists() and not (tmp_path / "maps").exists()
    # The control: another export of the same run is off by as little as float32 is, which the parts show.
    assert _bulk(models[kind], sem_folder, "-o", tmp_path / "onnx", "--runtime", "onnx", "--shard", 7) == 0
    for part in _parts(tmp_path):
        assert (tmp_path / PARTS / part).read_bytes() != (tmp_path / "onnx" / PARTS / part).read_bytes()


def test_maps_are_those_of_predict(
    models: dict[str, Path], predicted: dict[str, Path], sem_folder: Path, tmp_path: Path
) -> None:
    assert _bulk(models["segmenter"], sem_folder, "-o", tmp_path, "--maps") == 0
    made = {p.relative_to(tmp_path): p.read_bytes() for f in ("maps", "overlays") for p in (tmp_path / f).rglob("*.*")}
    assert len(made) == 60
    assert all((predicted["segmenter"] / name).read_bytes() == content for name, content in made.items())


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["all", "worker"])
def test_a_killed_run_goes_on(victim: str, models: dict[str, Path], many: Path, tmp_path: Path) -> None:
    asked = (models["segmenter"], many, "--shard", 4, "--workers", 2)
    assert _bulk(*asked, "-o", tmp_path / "whole") == 0
    output = tmp_path / "killed"
    with subprocess.Popen(_command(*asked, "-o", output), start_new_session=True, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 120
        while len(_parts(output)) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        if victim == "all":
            process.kill()
        else:
            os.kill(_workers(process.pid)[0], signal.SIGKILL)
        # Its workers end with it, else this would never come to an end.
        said = process.communicate(timeout=60)[1].decode()
    assert victim == "all" or (process.returncode == 2 and "a worker that was killed" in said)
    assert "Traceback" not in said
    before = _parts(output)
    assert 3 <= len(before) < 60 and not (output / TABLE).exists()
    assert _bulk(*asked, "-o", output) == 0
    after = _parts(output)
    assert len(after) == 60 and after.items() >= before.items()
    assert (output / TABLE).read_bytes() == (tmp_path / "whole" / TABLE).read_bytes()
    assert len(_table(output / TABLE)) == 240


def _workers(pid: int) -> list[int]:
    """The processes that another one started to predict."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]


@pytest.mark.slow
def test_bad_pictures_are_told_and_cost_only_themselves(
    models: dict[str, Path], sem_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, good = tmp_path / "pictures", sorted((sem_folder / "t00").glob("*.png"))[:4]
    folder.mkdir()
    for picture in good:
        shutil.copy(picture, folder)
    (folder / "text.png").write_text("Dear colleague,")
    (folder / "empty.tif").write_bytes(b"")
    (folder / "half.png").write_bytes(good[0].read_bytes()[:900])
    Image.new("L", (5, 40)).save(folder / "small.png")
    output = tmp_path / "out"
    for again in (False, True):
        assert _bulk(models["segmenter"], folder, "-o", output, "--shard", 2) == 3
        assert "copper: every picture must be readable; the others are done" in (said := capfd.readouterr().err)
        assert "Received: 4 of 8 that are not" in said and "Traceback" not in said
        assert again == ("predicting" not in said)
        assert [row["file"] for row in _table(output / TABLE)] == [p.name for p in good]
        reasons = {row["file"]: row["reason"] for row in _table(output / BAD)}
        assert set(reasons) == {"text.png", "empty.tif", "half.png", "small.png"}
        assert "an empty file" in reasons["empty.tif"] and "Dear" in reasons["text.png"]
        assert "must be complete and intact" in reasons["half.png"] and "8x8 px" in reasons["small.png"]
    # Once they are put right, the shards that hold them are done again, and no others.
    before = _parts(output)
    for bad in reasons:
        (folder / bad).unlink()
    shutil.copy(sem_folder / "t01" / next((sem_folder / "t01").glob("*.png")).name, folder / "text.png")
    assert _bulk(models["segmenter"], folder, "-o", output, "--shard", 2) == 0
    assert len(_table(output / TABLE)) == 5 and not (output / BAD).exists()
    assert len(_parts(output).items() & before.items()) == len(before)


@pytest.mark.slow
def test_parts_of_another_model_or_setting_are_refused(
    models: dict[str, Path], sem_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    picture, model = (
        next((sem_folder / "t00").glob("*.png")),
        Path(shutil.copytree(models["segmenter"], tmp_path / "m")),
    )
    asked = (picture, "-o", tmp_path / "out")
    assert _bulk(model, *asked) == 0
    weights = model / "openvino" / "model.bin"
    changed = bytearray(weights.read_bytes())
    changed[100] ^= 1
    weights.write_bytes(changed)
    capfd.readouterr()
    for wrong, what in (((), "another model"), (("--pixel-size", 9), "another model, reading"), (("--maps",), "maps")):
        assert _bulk(model, *asked, *wrong) == 2
        line = capfd.readouterr().err
        assert "parts must be of the same model and settings; --force makes them anew. Received: another" in line
        assert what in line and len(line.splitlines()) == 1
    assert _bulk(model, *asked, "--force") == 0
    assert _bulk(models["classifier"], *asked) == 2


@pytest.mark.slow
def test_changed_lists_are_done_anew_where_they_changed(many: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.jsonl"
    before = cut_shards(list_pictures([str(many)]), 50, file)
    assert [len(shard) for shard in before] == [50] * 4 + [40]
    assert [p.name for shard in before for p in pictures_of(shard, file)] == sorted(p.name for p in many.iterdir())
    assert cut_shards(list_pictures([str(many)]), 50, file) == before
    (many / "239.png").unlink()
    (many / "120.png").unlink()
    shutil.copy(many / "000.png", many / "120.png")
    after = cut_shards(list_pictures([str(many)]), 50, file)
    same = [a.part == b.part for a, b in zip(before, after, strict=True)]
    assert same == [True, True, False, True, False]
    with pytest.raises(OutputError, match="must be the list that the shards were cut from"):
        list(pictures_of(before[2], file))
    assert ListedPicture("/a.png", "a.png").source(Path("/a.png")).pixel_size_nm != 0


@pytest.mark.slow
def test_a_damaged_part_is_named(
    models: dict[str, Path], sem_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = (models["classifier"], sem_folder / "t00", "-o", tmp_path)
    assert _bulk(*asked) == 0
    (part,) = (tmp_path / PARTS).glob("0*.json")
    part.write_text(part.read_text()[:100])
    assert _bulk(*asked) == 2
    assert f"{part.name}: must be a whole part" in capfd.readouterr().err
    part.unlink()
    assert _bulk(*asked) == 0


def test_mistakes_get_one_line(
    models: dict[str, Path], runs: dict[str, Any], sem_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").mkdir()
    out, model, picture = tmp_path / "out", models["classifier"], next((sem_folder / "t00").glob("*.png"))
    for arguments, message in (
        ((model, tmp_path / "none", "-o", out), "none: must hold pictures"),
        ((model, tmp_path / "absent", "-o", out), "Received: nothing there"),
        ((model, f"{tmp_path}/none/*.png", "-o", out), "none/*.png: must hold pictures"),
        ((model, "nowhere://bucket/folder", "-o", out), "nowhere://bucket/folder: a folder or pattern that can be"),
        ((runs["classifier"].path, picture, "-o", out), "must be a model of `copper export`. Received: something else"),
        ((model, picture, "-o", out, "--maps"), "maps are drawn by a segmenter"),
        ((model, picture, "-o", out, "--beam-options", _IN_PROCESS, "--workers", 2), "workers is for this machine"),
        ((model, picture, "-o", out, "--beam-options", "runner=Tortoise"), "Unexpected pipeline runner: Tortoise"),
    ):
        assert _bulk(*arguments) == 2
        lines = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("predicting")]
        assert len(lines) == 1 and message in lines[0], lines
    assert not (out / TABLE).exists()
    with worked_in(out):
        assert _bulk(model, picture, "-o", out) == 2
    assert "one process at a time" in capfd.readouterr().err


def test_without_apache_beam_it_is_named_in_one_line(
    models: dict[str, Path], sem_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """As on a factory PC, which has what predicting needs and no more."""
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    assert _bulk(models["classifier"], sem_folder / "t00", "-o", tmp_path / "out") == 2
    said = "copper: needs the package apache_beam; install all of copper-tf. Received: no such"
    assert capfd.readouterr().err.splitlines() == [said]


def test_a_full_disk_ends_it_in_one_line(
    models: dict[str, Path], sem_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    real = results.write_json

    def full(path: Path, value: Any) -> None:
        if path.name.startswith("0"):
            raise OSError(28, "No space left on device", str(path))
        real(path, value)

    monkeypatch.setattr(results, "write_json", full)
    # In this process, where the disk is full.
    assert _bulk(models["classifier"], sem_folder, "-o", tmp_path, "--beam-options", _IN_PROCESS) == 2
    assert "the same command goes on. Received: the disk is full" in capfd.readouterr().err.splitlines()[-1]
    monkeypatch.undo()
    assert _bulk(models["classifier"], sem_folder, "-o", tmp_path, "--beam-options", _IN_PROCESS) == 0


@pytest.mark.slow
def test_workers_need_no_tensorflow(models: dict[str, Path], sem_folder: Path, tmp_path: Path) -> None:
    """A package of that name tells when it is imported; the control is that importing the training tells."""
    (tmp_path / "path" / "tensorflow").mkdir(parents=True)
    (tmp_path / "path" / "tensorflow" / "__init__.py").write_text(
        f"open({str(tmp_path / 'imported')!r}, 'a').write('!')"
    )
    paths = os.pathsep.join([str(tmp_path / "path"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths}
    asked = _command(models["segmenter"], sem_folder, "-o", tmp_path / "out", "--workers", 2, "--shard", 10)
    subprocess.run(asked, check=True, env=environment, capture_output=True)
    assert len(_table(tmp_path / "out" / TABLE)) == 30 and not (tmp_path / "imported").exists()
    control = [sys.executable, "-c", "import copper_tf.training.loop"]
    subprocess.run(control, check=False, env=environment, capture_output=True)
    assert (tmp_path / "imported").exists()


@pytest.fixture
def bucket(sem_folder: Path, tmp_path: Path) -> Iterator[Path]:
    """What stands behind ``testbucket://``: the SEM folder, one picture with a microscope's text beside it."""
    from apache_beam.io.localfilesystem import LocalFileSystem

    class _Bucket(LocalFileSystem):
        """Beam finds it by its scheme."""

        @classmethod
        def scheme(cls) -> str:
            return "testbucket"

        def _list(self, dir_or_prefix: str) -> Any:
            for found in super()._list(dir_or_prefix.replace("testbucket://", f"{tmp_path}/", 1)):
                found.path = found.path.replace(f"{tmp_path}/", "testbucket://", 1)
                yield found

        def open(self, path: str, *others: Any, **more: Any) -> Any:
            return super().open(path.replace("testbucket://", f"{tmp_path}/", 1), *others, **more)

    folder = Path(shutil.copytree(sem_folder, tmp_path / "sem"))
    (folder / "labels.csv").unlink(missing_ok=True)
    picture = sorted((folder / "t01").glob("*.png"))[0]
    picture.with_suffix(".txt").write_text("[SemImageFile]\nPixelSize=123\n")
    # Beam only sees classes that something holds, as this does until the test is over.
    assert _Bucket.scheme() == "testbucket"
    yield folder
    del _Bucket


@pytest.mark.slow
def test_pictures_of_a_bucket(models: dict[str, Path], bucket: Path, tmp_path: Path) -> None:
    asked = ("--shard", 8, "--beam-options", _IN_PROCESS)
    assert _bulk(models["segmenter"], bucket, "-o", tmp_path / "disk") == 0
    assert _bulk(models["segmenter"], "testbucket://sem", "-o", tmp_path / "bucket", *asked) == 0
    table = (tmp_path / "bucket" / TABLE).read_bytes()
    assert table == (tmp_path / "disk" / TABLE).read_bytes()
    rows = _table(tmp_path / "bucket" / TABLE)
    assert len(rows) == 30 and [row["pixel_size_nm"] for row in rows].count("123.0") == 1
    assert _bulk(models["segmenter"], "testbucket://sem/t01/*.png", "-o", tmp_path / "some", *asked) == 0
    assert [row["file"] for row in _table(tmp_path / "some" / TABLE)] == [
        row["file"].removeprefix("t01/") for row in rows if row["file"].startswith("t01/")
    ]


def test_listing_says_what_is_wrong(many: Path) -> None:
    # What is given twice comes once.
    assert len(list(list_pictures([str(many), str(many)]))) == len(list(list_pictures([str(many)])))
    with pytest.raises(InputError, match="nothing there"):
        list(list_pictures([str(many / "absent")]))
    assert [p.sheet for p in list_pictures([f"{many}/00*.png"], "S1")] == ["S1"] * 10
    assert next(list_pictures([str(many)])).path == str(many / "000.png")

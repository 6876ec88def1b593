"""A dataset that has moved since training is named by --data, known by its fingerprint, and noted by the run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from copper_tf.cli.main import main
from copper_tf.runs.datasets import dataset_of, note_dataset, note_datasets
from copper_tf.runs.run import SEED, open_run
from copper_tf.training.loop import train
from tests.conftest import small
from tfds_copper.copper_sem import build
from tfds_copper.dataset import open_dataset
from tfds_copper.errors import InputError, RunError
from tfds_copper.splits.assign import SplitSettings


@pytest.fixture
def moved(runs: dict[str, Any], dataset: Any, tmp_path: Path) -> tuple[Path, Path]:
    """A run whose dataset has moved, and the data_dir that it lies in now."""
    run = Path(shutil.copytree(runs["classifier"].path, tmp_path / "run"))
    data = json.loads((run / "data.json").read_text())
    (run / "data.json").write_text(json.dumps({**data, "path": str(tmp_path / "gone")}))
    shutil.copytree(dataset.path.parents[2], tmp_path / "new")
    return run, tmp_path / "new"


def test_the_new_place_is_noted_and_stays(moved: tuple[Path, Path]) -> None:
    run, data = moved
    with pytest.raises(RunError, match="its dataset must still be there, or --data must name its new place. Received:"):
        dataset_of(open_run(run))
    note_datasets([run], data)
    assert dataset_of(open_run(run)) == open_dataset(data)
    # A version directory is as good as a data_dir, and nothing else of the run changes.
    note_datasets([run], open_dataset(data).path)
    assert set(open_run(run).data) == set(json.loads((run / "data.json").read_text()))


def test_it_is_found_beside_other_datasets_and_for_every_run_of_a_folder(
    moved: tuple[Path, Path], sem_folder: Path, tmp_path: Path
) -> None:
    run, data = moved
    build(sem_folder, data, SplitSettings(split="6/2/2", seed=5))
    for seed in (0, 1):
        shutil.copytree(run, tmp_path / "runs" / SEED.format(seed))
    note_datasets([tmp_path / "runs"], data)
    for seed in (0, 1):
        assert dataset_of(open_run(tmp_path / "runs" / SEED.format(seed))).path.is_relative_to(data)


def test_another_dataset_is_refused_and_nothing_noted(
    moved: tuple[Path, Path], sem_folder: Path, tmp_path: Path
) -> None:
    run, data = moved
    other = build(sem_folder, tmp_path / "other", SplitSettings(split="6/2/2", seed=5))
    before = (run / "data.json").read_bytes()
    with pytest.raises(RunError, match=r"other: must be the dataset that .*run was trained on, of fingerprint .*Rece"):
        note_datasets([run], tmp_path / "other")
    with pytest.raises(InputError, match="nothing there"):
        note_datasets([run], tmp_path / "nowhere")
    assert (run / "data.json").read_bytes() == before
    assert other.is_dir()


def test_a_run_whose_dataset_stayed_is_left_alone(runs: dict[str, Any], dataset: Any) -> None:
    run = runs["classifier"]
    before = (run.path / "data.json").stat().st_mtime_ns
    assert note_dataset(run, dataset) is run and (run.path / "data.json").stat().st_mtime_ns == before


def test_resuming_on_a_moved_dataset_notes_its_place(moved: tuple[Path, Path]) -> None:
    run, data = moved
    resumed = train(small("classifier"), open_dataset(data), run, resume=True)
    assert dataset_of(resumed) == open_dataset(data)


@pytest.mark.parametrize("command", ["evaluate", "baselines", "report"])
def test_commands_take_the_new_place(
    command: str, moved: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run, data = moved
    output = ["-o", str(tmp_path / "out")] if command == "report" else []
    assert main([command, str(run), *output, "--data", str(tmp_path / "nowhere")]) == 2
    assert "nothing there" in capfd.readouterr().err
    assert main([command, str(run), *output, "--data", str(data)]) == 0
    assert dataset_of(open_run(run)).path.is_relative_to(data)

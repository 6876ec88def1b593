"""The architecture search: its space, what fits into memory, killed and gone on with, by one process or several."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.search.killing import copper_command, kill_all, kill_named, started, wait_until
from copper_tf.api.studies import plan_search
from copper_tf.cli.main import main
from copper_tf.config import DEFAULT, KL, PAPER, SQUARED, default_config
from copper_tf.runs.run import open_run
from tests.conftest import ROOT, eagerly
from tfds_copper.errors import CopperError, InputError, RunError, SettingError
from tuning.cluster import CHIEF, ORACLE_IP, ORACLE_PORT, TUNER_ID, check_address
from tuning.heartbeat import LastSeen
from tuning.search_plan import planned_points, start_search
from tuning.search_space import SearchSpace, name_of, parse_space, searchable, seed_of
from tuning.summary import RESULT, summarise
from tuning.trials import Search, open_search
from tuning.workers import run_workers

BASE = default_config("segmenter", PAPER)
SMALL = ("--crop", "48", "--batch-size", "6", "--epochs", "4", "--policy", "float32", "--space", "n=1",
         "N=1", "c=4,6", "d=1,2")  # fmt: skip


def test_the_space_comes_from_the_settings() -> None:
    assert set(searchable()) >= {"n", "N", "c", "d", "crop", "batch_size", "learning_rate", "hypothesis", "loss"}
    assert parse_space(("loss",), BASE).values == {"loss": (SQUARED, KL)}
    usual = parse_space((), BASE)
    assert list(usual.values) == ["n", "N", "c", "d"] and usual.values["c"] == searchable()["c"]
    space = parse_space(("c=16,8", "d", "learning_rate=1e-3", "hypothesis=sqrt,linear"), BASE)
    assert space.values["c"] == (8, 16) and space.values["hypothesis"] == ("sqrt", "linear")
    points = space.points()
    assert len(points) == 2 * len(searchable()["d"]) * 2
    assert points["c8-d2-learning_rate_0.001-hypothesis_sqrt"]["learning_rate"] == 0.001
    assert [p.name for p in space.hyperparameters().space] == list(space.values)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("seed",), "can be searched: .*Received: 'seed'"),
        (("c=8", "c=16"), "each setting once. Received: c twice"),
        (("c=8,x",), "values of c must be whole numbers. Received: 'x'"),
        (("c=8,8",), "c must be given different values"),
        (("c=",), "c must be given different values.*Received: none"),
        (("loss=squared,correlation",), "loss must be one whose runs can be compared .* Received: correlation"),
        (("d=0,1",), "d must be a whole number from 1 to 8. Received: 0"),
        (("hypothesis=guess",), "hypothesis must be one of .*Received: 'guess'"),
        (
            ("c=" + ",".join(map(str, range(1, 1000))), "batch_size=" + ",".join(map(str, range(1, 40)))),
            "at most 20000",
        ),
    ],
)
def test_a_space_that_can_not_be_searched_is_one_line(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        parse_space(words, BASE)


@pytest.mark.parametrize("name", ["hypothesis", "loss"])
def test_a_classifier_has_no_hypothesis_and_no_loss_of_a_mask(name: str) -> None:
    with pytest.raises(SettingError, match=f"{name} is for the segmenter. Received: a classifier"):
        parse_space((name,), default_config("classifier"))


def test_seeds_hang_on_the_point_and_not_on_the_order() -> None:
    point = {"n": 2, "c": 8}
    assert name_of(point) == "n2-c8" and seed_of(point, 0) == seed_of(dict(point), 0)
    assert len({seed_of(point, 0), seed_of(point, 1), seed_of({"n": 2, "c": 16}, 0)}) == 3
    assert default_config("segmenter", seed=seed_of(point, 0)).training.seed == seed_of(point, 0)


def test_a_point_is_trained_in_the_precision_that_its_memory_was_predicted_for(monkeypatch: Any) -> None:
    """bfloat16 where the processor has it and its kernels suit; a precision that is given holds for all."""
    monkeypatch.setattr("copper_tf.models.policy.has_gpu", lambda: False)
    monkeypatch.setattr("copper_tf.models.policy.processor_has_bfloat16", lambda: True)
    space = SearchSpace({"c": (8, 16)})
    plan, memory = planned_points(space, BASE, 4, None, 0, 0)
    assert {name: run.settings["policy"] for name, run in plan.items()} == {"c8": "float32", "c16": "mixed_bfloat16"}
    given, same = planned_points(space, BASE.replace(policy="float32"), 4, None, 0, 0)
    assert {run.settings["policy"] for run in given.values()} == {"float32"}
    assert same["c8"] == memory["c8"] and same["c16"] != memory["c16"]
    assert [run.settings["seed"] for run in given.values()] == [run.settings["seed"] for run in plan.values()]


def test_points_over_the_limit_are_planned_as_infeasible() -> None:
    space = SearchSpace({"c": (8, 16, 32), "d": (2, 3)})
    free, memory = planned_points(space, BASE, 4, None, 0, 0)
    assert not any(point.infeasible for point in free.values()) and memory["c32-d2"] > memory["c8-d2"] > 0
    limit = sorted(memory.values())[2]
    plan, same = planned_points(space, BASE, 4, limit, 0, 0)
    assert same == memory
    assert {name for name, point in plan.items() if not point.infeasible} == {
        n for n, m in memory.items() if m <= limit
    }
    assert "a training step needs" in plan["c32-d3"].infeasible
    # The batch is what can give way.
    auto, fitting = planned_points(space, BASE, 4, limit, 100, 0)
    assert all(m <= limit for m in fitting.values()) and not any(point.infeasible for point in auto.values())
    assert auto["c32-d3"].settings["batch_size"] < auto["c8-d2"].settings["batch_size"] <= 64
    assert {p.settings["batch_size"] for p in planned_points(space, BASE, 4, 10**12, 5, 0)[0].values()} == {4}
    with pytest.raises(InputError, match="at least one point of the space.*Received: 1.00 kB|Received: 1 kB"):
        planned_points(space, BASE, 4, 1000, 0, 0)


def _words(dataset: Any, output: Path, *more: str) -> list[str]:
    return ["search", "classifier", str(dataset.path), "-o", str(output), *SMALL, *more]


def _table(output: Path) -> list[Any]:
    found = json.loads((output / RESULT).read_text())
    return [(row["name"], row["status"], row["epochs"], row["objective"], row["rungs"]) for row in found["trials"]]


@pytest.mark.parametrize(
    ("kind", "given", "preset"),
    [("classifier", None, DEFAULT), ("segmenter", None, PAPER), ("classifier", PAPER, PAPER)],
)
def test_runs_begin_with_the_settings_of_a_preset(
    dataset: Any, tmp_path: Path, kind: str, given: str | None, preset: str
) -> None:
    search = plan_search(kind, dataset, tmp_path / "s", preset=given, space=["c=8"], crop=48)
    expected = default_config(kind, preset, crop=48).for_pictures(dataset.split_sizes["train"])
    assert search.sweep.base == expected
    assert search.sweep.config("c8").model.c == 8


def test_a_segmenter_that_learns_g_is_not_searched(dataset: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="learn must be fixed in a search, as --preset paper has it.*: iterative"):
        plan_search("segmenter", dataset, tmp_path / "s", preset=DEFAULT)


def test_open_epochs_are_those_of_the_search_on_resume(dataset: Any, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"space": ["c=8"], "epochs": 0, "crop": 48}
    begun = start_search(plan_search("classifier", dataset, tmp_path / "s", **asked))
    again = plan_search("classifier", dataset, tmp_path / "s", resume=True, **asked)
    assert again.sweep.base == begun.sweep.base and again.preset == DEFAULT
    assert start_search(again, resume=True).sweep.plan == begun.sweep.plan


@pytest.fixture(scope="module")
def unbroken(dataset: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search that nothing interrupted."""
    output = tmp_path_factory.mktemp("unbroken") / "s"
    with eagerly():
        assert main(_words(dataset, output, "--budget", "0.7")) == 0
    return output


def test_the_command_writes_runs_table_and_page(unbroken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads((unbroken / RESULT).read_text())
    assert found["cost"]["steps"] <= 0.7 * found["cost"]["grid_steps"]
    assert {row["status"] for row in found["trials"]} == {"done", "stopped"}
    best = found["trials"][0]
    assert best["name"] == found["best"] and best["epochs"] == 4 and found["best"] in found["pareto"]
    assert f"--seed {open_run(unbroken / 'runs' / found['best']).config.training.seed}" in found["command"]
    assert (unbroken / "report" / "search.html").is_file()
    # Every trial is a run that the ordinary commands take, one that was left off early too.
    stopped = next(row["name"] for row in found["trials"] if row["status"] == "stopped")
    for name in (found["best"], stopped):
        assert main(["evaluate", str(unbroken / "runs" / name)]) == 0
    capsys.readouterr()
    assert main(["search", "classifier", "-o", str(unbroken), "--report"]) == 0
    assert f"best: {found['best']}" in capsys.readouterr().out
    assert main(["search", "classifier", str(unbroken), "-o", str(unbroken), "--report"]) == 2
    assert "leave DATA out" in capsys.readouterr().err
    assert main(["search", "segmenter", "-o", str(unbroken), "--report"]) == 2
    assert "holds a search of a classifier. Received: segmenter" in capsys.readouterr().err


@pytest.mark.slow
def test_killed_and_gone_on_with_finds_the_same(dataset: Any, tmp_path: Path) -> None:
    output, unbroken = tmp_path / "s", tmp_path / "unbroken"
    assert main(_words(dataset, unbroken, "--budget", "0.7")) == 0
    process = started(copper_command(*_words(dataset, output, "--resume", "--budget", "0.7")))
    wait_until(lambda: len(list(output.glob("runs/*/scores/trial.json"))) >= 2, process)
    kill_all(process)
    assert not (output / RESULT).exists()
    done = {file: file.stat().st_mtime_ns for file in output.glob("runs/*/scores/trial.json")}
    # No more is needed than where it is.
    assert main(["search", "classifier", str(dataset.path), "-o", str(output), "--resume"]) == 0
    assert _table(output) == _table(unbroken)
    finished = [f for f, stamp in done.items() if f.stat().st_mtime_ns == stamp]
    assert finished
    with pytest.raises(RunError, match="must be the plan of a search"):
        (output / "search.json").write_text("{}")
        open_search(output)


def test_a_search_goes_on_only_as_it_was_begun(
    dataset: Any, unbroken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_words(dataset, unbroken)) == 2
    assert "--resume continues it, --force replaces it" in capsys.readouterr().err
    for words, message in (
        (("--oracle", "grid"), "the search's own oracle, hyperband. Received: grid"),
        (("--budget", "0.5"), "a budget of at least what the search has, 0.7. Received: 0.5"),
        (("--oracle-seed", "7"), "the search's own oracle_seed, 0. Received: 7"),
        (("--epochs", "5"), "sweep's own settings, epochs = 4. Received: epochs = 5"),
        (("--preset", "paper"), "the search's own preset, default. Received: paper"),
    ):
        assert main(["search", "classifier", str(dataset.path), "-o", str(unbroken), "--resume", *words]) == 2
        assert message in capsys.readouterr().err
    assert main(["search", "segmenter", str(dataset.path), "-o", str(unbroken), "--resume"]) == 2
    assert "a search of a classifier. Received: segmenter" in capsys.readouterr().err


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_a_larger_budget_goes_on_also_where_the_dataset_has_moved(
    dataset: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, moved = tmp_path / "s", tmp_path / "moved"
    assert main(_words(dataset, output, "--epochs", "1", "--oracle", "random")) == 0
    assert open_search(output).budget == 0.25 and json.loads((output / RESULT).read_text())["best"]
    shutil.copytree(dataset.path, moved)
    again = ["search", "classifier", str(moved), "-o", str(output), "--resume"]
    assert main([*again, "--budget", "0.5"]) == 0
    found = json.loads((output / RESULT).read_text())
    assert len([row for row in found["trials"] if row["status"] == "done"]) == 2
    assert open_search(output).sweep.data == moved and str(moved) in found["command"]
    # Another dataset is another search.
    info = json.loads((moved / "metadata.json").read_text())
    (moved / "metadata.json").write_text(json.dumps(info | {"fingerprint": "other"}))
    capsys.readouterr()
    assert main(again) == 2
    assert "--resume needs the dataset of the sweep" in capsys.readouterr().err


@pytest.mark.slow
def test_two_workers_one_of_them_killed_find_what_one_process_finds(dataset: Any, tmp_path: Path) -> None:
    grid = ("--oracle", "grid", "--epochs", "1")
    assert main(_words(dataset, tmp_path / "alone", *grid)) == 0
    alone = open_search(tmp_path / "alone")
    path = tmp_path / "s"
    search = start_search(dataclasses.replace(alone, sweep=dataclasses.replace(alone.sweep, path=path)))
    killed: list[int] = []

    def progress(*now: Any) -> None:
        if not killed and list(path.glob("runs/*/history.csv")):
            killed.extend(kill_named("worker0", path))

    run_workers(path, 2, search.status, progress)
    assert killed and summarise(search).cost.share == 1
    assert _table(path) == _table(tmp_path / "alone")


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_a_trial_that_fails_is_in_the_table(
    dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = Search.perform

    def perform(self: Search, name: str, *arguments: Any) -> Any:
        if "d2" in name:
            raise MemoryError("OOM when allocating tensor\nand more")
        return real(self, name, *arguments)

    monkeypatch.setattr(Search, "perform", perform)
    grid = ("--oracle", "grid", "--epochs", "1", "--memory-limit", "1GB", "--budget", "1")
    assert main(_words(dataset, tmp_path / "s", *grid)) == 0
    rows = {row["name"]: row for row in json.loads((tmp_path / "s" / RESULT).read_text())["trials"]}
    assert rows["n1-N1-c4-d2"]["status"] == "failed"
    assert rows["n1-N1-c4-d2"]["reason"] == "OOM when allocating tensor"
    assert rows["n1-N1-c6-d1"]["status"] == "done"
    assert "warning: n1-N1-c4-d2 failed: OOM" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch-size", "auto"], "batch_size can be auto only where there is a --memory-limit. Received: none"),
        (["--batch-size", "many"], "batch_size must be auto or a whole number of at least 1. Received: 'many'"),
        (
            ["--batch-size", "auto", "--memory-limit", "1GB", "--space", "batch_size"],
            "batch_size is either searched or given by its flag. Received: both",
        ),
        (["--c", "16", "--space", "c=4,8"], "c is either searched or given by its flag. Received: both"),
        (["--batch-size", "²"], "batch_size must be auto or a whole number of at least 1. Received: '²'"),
        (["--budget", "0.01", "--space", "c=4,8"], "hyperband train at least one of 2 points in full; --budget 1 does"),
        (["--resume", "--force", "--space", "c=4,8"], "only one of them can be given. Received: both"),
        (["--report"], "leave DATA out"),
        (["--memory-limit", "12 apples"], "Received: '12 apples'"),
        (["--memory-limit", "1kB", "--space", "c=8"], "memory limit must leave at least one point"),
        (["--budget", "0"], "0"),
        (["--space", "c=8,x"], "values of c must be whole numbers. Received: 'x'"),
    ],
)
def test_mistakes_are_one_line(
    dataset: Any, tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", "classifier", str(dataset.path), "-o", str(tmp_path / "s"), *words]) == 2
    shown = capsys.readouterr().err
    assert message in shown and len(shown.splitlines()) == 1
    assert not (tmp_path / "s").exists()


def test_heartbeats_are_timed_by_ones_own_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    last_seen = LastSeen(tmp_path)
    assert last_seen.seconds_since("worker0") == 0
    now[0] += 50
    assert last_seen.seconds_since("worker0") == 50
    (tmp_path / "worker0").write_text("1 1")
    assert last_seen.seconds_since("worker0") == 0
    now[0] += 5
    assert last_seen.seconds_since("worker0") == 5


def test_the_module_is_the_command_by_another_name(capsys: pytest.CaptureFixture[str]) -> None:
    from tuning.search import main as search

    assert search(["classifier", "--help"]) == 0
    assert "--memory-limit" in capsys.readouterr().out


def test_the_slurm_script_names_what_chief_and_workers_read() -> None:
    script = ROOT / "docs" / "how-to" / "search.sbatch"
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    text = script.read_text(encoding="utf-8")
    for name in (TUNER_ID, ORACLE_IP, ORACLE_PORT, f"{TUNER_ID}={CHIEF}\n"):
        assert name in text


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({ORACLE_IP: "127.0.0.1", TUNER_ID: "worker0"}, "KERASTUNER_ORACLE_PORT must be set .* Received: nothing"),
        ({ORACLE_IP: "127.0.0.1", TUNER_ID: CHIEF, ORACLE_PORT: "abc"}, "a number from 1 to 65535. Received: 'abc'"),
        ({ORACLE_IP: "192.0.2.1", TUNER_ID: CHIEF, ORACLE_PORT: "4000"}, "192.0.2.1:4000: the chief must be able to"),
    ],
)
def test_half_an_address_is_refused(variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CopperError, match=message):
        check_address()

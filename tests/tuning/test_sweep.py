"""Sweeps: planned, run, killed and resumed, by one process or by several."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.search.killing import copper_command, kill_all, kill_named, started, wait_until
from copper_tf.analysis.hypotheses.results import STUDY
from copper_tf.cli.main import main
from copper_tf.config import ANCHORS, ITERATIVE
from tests.conftest import eagerly, small, worked_in
from tfds_copper.errors import OutputError, RunError, SettingError
from tuning.engine import run_sweep
from tuning.hypothesis_plan import finished_runs, plan_runs
from tuning.sweep import FAILED, PLAN, RUNS, PlannedRun, Sweep, open_sweep, start_sweep
from tuning.workers import run_workers

TIMES = (0.0, 1.0, 2.0)
SMALL = (
    "--crop",
    "48",
    "--margin",
    "8",
    "--c",
    "4",
    "--d",
    "1",
    "--epochs",
    "2",
    "--batch-size",
    "6",
    "--policy",
    "float32",
)


def _sweep(path: Path, dataset: Any, *names: str, seeds: int = 1, **settings: Any) -> Sweep:
    plan = plan_runs(names, (), 0, range(seeds), TIMES, "number")
    base = small("segmenter", **{"d": 1, "policy": "float32", **settings})
    return Sweep(path, base, dataset.path, dataset.fingerprint, plan)


def test_the_plan_names_every_run_once() -> None:
    plan = plan_runs(("sqrt", "linear"), (ANCHORS, ITERATIVE), 2, range(3, 5), TIMES, "number")
    assert len(plan) == (2 + 1 + 2) * 2 + 2
    assert plan["sqrt-seed4"].settings == {"hypothesis": "sqrt", "learn": "fixed", "seed": 4}
    assert plan["anchors-seed3"].settings["learn"] == ANCHORS and plan["anchors-seed3"].composites
    assert plan["iterative-from-square-seed3"].settings["hypothesis"] == "square"
    # Orders are the same whatever the seeds, and no curve is read off them.
    order = plan["levels-permuted-01"]
    assert order.settings["hypothesis"].startswith("{") and order.settings["seed"] == 0 and not order.composites
    # All orders but its own, where there are fewer than twenty.
    every = plan_runs(("sqrt",), (), None, [0], TIMES, "number")
    assert sum(name.startswith("levels-permuted") for name in every) == 5


def test_a_table_is_planned_by_its_content(tmp_path: Path) -> None:
    table = tmp_path / "mine.json"
    table.write_text('{"0": 1,\n "1": 0.3, "2": 0}')
    plan = plan_runs((str(table),), (), 0, [0], TIMES, "number")
    table.unlink()
    assert json.loads(plan["mine-seed0"].settings["hypothesis"]) == {"0": 1, "1": 0.3, "2": 0}


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        (("constant",), "'constant' hardly varies"),
        (("sqrt", "sqrt"), "a name of its own. Received: sqrt twice"),
        (("guess",), "hypothesis must be one of .* Received: 'guess'"),
    ],
)
def test_what_can_not_be_compared_is_refused_before_anything_is_trained(compare: tuple[str, ...], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        plan_runs(compare, (), 0, [0], TIMES, "number")


def test_a_sweep_goes_on_only_with_its_own_settings(tmp_path: Path, dataset: Any) -> None:
    first = _sweep(tmp_path / "s", dataset, "sqrt")
    start_sweep(first)
    with pytest.raises(OutputError, match="--resume continues it, --force replaces it. Received: neither"):
        start_sweep(first)
    more = start_sweep(_sweep(tmp_path / "s", dataset, "linear", seeds=2), resume=True)
    assert set(more.plan) == {"sqrt-seed0", "linear-seed0", "linear-seed1"}
    assert open_sweep(tmp_path / "s") == more
    with pytest.raises(RunError, match="sweep's own settings, epochs = 2. Received: epochs = 3"):
        start_sweep(_sweep(tmp_path / "s", dataset, "sqrt", epochs=3), resume=True)
    # What can't be trained is refused before anything is deleted.
    bad = dataclasses.replace(first, plan={"x": PlannedRun("x", {"learn": ITERATIVE}), **first.plan})
    bad = dataclasses.replace(bad, base=bad.base.replace(patience=3))
    with pytest.raises(SettingError, match="patience must be 0"):
        start_sweep(bad, force=True)
    assert open_sweep(tmp_path / "s") == more
    assert set(start_sweep(first, force=True).plan) == {"sqrt-seed0"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(OutputError, match="empty or absent folder. Received: one in use"):
            start_sweep(_sweep(tmp_path / "other", dataset, "sqrt"), force=force)


@pytest.mark.parametrize("text", ["", "{}", '{"format": "copper-sweep 9"}'])
def test_a_damaged_plan_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / PLAN).write_text(text)
    with pytest.raises(RunError, match="Received: "):
        open_sweep(tmp_path)


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_a_run_that_fails_is_noted_and_the_others_go_on(
    tmp_path: Path, dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = start_sweep(_sweep(tmp_path / "s", dataset, "sqrt", "linear"))
    real = Sweep.perform

    def perform(self: Sweep, name: str, *arguments: Any) -> Any:
        if name == "sqrt-seed0":
            raise MemoryError("no room for it\nand more")
        return real(self, name, *arguments)

    monkeypatch.setattr(Sweep, "perform", perform)
    seen: list[tuple[int, int, str]] = []
    run_sweep(sweep, lambda *now: seen.append(now))
    supposed, _, failed = finished_runs(sweep)
    assert list(supposed) == ["linear"] and failed == {"sqrt-seed0": "no room for it"}
    assert seen[-1][1] == 2000 and 0 <= seen[0][0] <= seen[-1][0] <= 2000
    # Tried anew by the next call, while what is done stays.
    kept = (sweep.folder("linear-seed0") / "scores" / "evaluation.json").stat().st_mtime_ns
    monkeypatch.undo()
    run_sweep(sweep)
    assert finished_runs(sweep)[2] == {}
    assert (sweep.folder("linear-seed0") / "scores" / "evaluation.json").stat().st_mtime_ns == kept


def test_a_run_in_which_its_process_dies_again_and_again_is_given_up(tmp_path: Path, dataset: Any) -> None:
    sweep = start_sweep(_sweep(tmp_path / "s", dataset, "sqrt"))
    assert [sweep.count_attempt("sqrt-seed0") for _ in range(4)] == [True, True, True, False]
    assert sweep.failure("sqrt-seed0") == "its process died 3 times"
    sweep.reset("sqrt-seed0")
    assert sweep.count_attempt("sqrt-seed0") and not sweep.failure("sqrt-seed0")


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_a_run_killed_while_it_was_being_made_is_made_anew(tmp_path: Path, dataset: Any) -> None:
    sweep = start_sweep(_sweep(tmp_path / "s", dataset, "sqrt"))
    (sweep.folder("sqrt-seed0") / "checkpoints").mkdir(parents=True)
    run_sweep(sweep)
    assert finished_runs(sweep)[2] == {}


def test_a_sweep_in_which_another_process_works_is_left_alone(tmp_path: Path, dataset: Any) -> None:
    sweep = start_sweep(_sweep(tmp_path / "s", dataset, "sqrt"))
    with worked_in(sweep.path):
        with pytest.raises(OutputError, match="one process at a time may work in it"):
            run_sweep(sweep)
        with pytest.raises(OutputError, match="one process at a time may work in it"):
            start_sweep(sweep, force=True)
    assert open_sweep(sweep.path).plan == sweep.plan and not sweep.is_done("sqrt-seed0")


def _arguments(dataset: Any, output: Path, *more: str) -> list[str]:
    hypotheses = ("--compare", "linear", "sqrt", "--learn", "anchors", "--seeds", "1", "--permutations", "1")
    return ["hypotheses", str(dataset.path), "-o", str(output), *hypotheses, *SMALL, *more]


def _table(output: Path) -> dict[str, Any]:
    found = json.loads((output / STUDY).read_text())
    rows = [(row["name"], row["nmse"]) for row in found["hypotheses"]]
    return {"rows": rows, "permuted": found["permuted"], "curves": [c["means"] for c in found["curves"]]}


@pytest.fixture(scope="module")
def unbroken(dataset: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison that nothing interrupted."""
    output = tmp_path_factory.mktemp("unbroken") / "s"
    with eagerly():
        assert main(_arguments(dataset, output)) in (0, 1)
    return output


def test_the_command_writes_table_page_and_figures(unbroken: Path) -> None:
    found = json.loads((unbroken / STUDY).read_text())
    assert {row["name"] for row in found["hypotheses"]} == {"linear", "sqrt"} and found["failed"] == {}
    page = (unbroken / "report" / "hypotheses.html").read_text()
    for text in ("What is assumed", "linear", "permuted", "neither adhesion itself"):
        assert text in page
    assert {p.name for p in (unbroken / "report" / "figures").iterdir()} == {
        "curves.png", "errors.png", "potencies.png"
    }  # fmt: skip
    assert list((unbroken / "runs" / "sqrt-seed0" / "tensorboard").iterdir())


@pytest.mark.slow
def test_killed_and_gone_on_with_ends_in_the_same_table(dataset: Any, tmp_path: Path) -> None:
    output, unbroken = tmp_path / "s", tmp_path / "unbroken"
    assert main(_arguments(dataset, unbroken)) in (0, 1)
    process = started(copper_command(*_arguments(dataset, output, "--resume")))
    wait_until(lambda: list(output.glob("runs/*/history.csv")), process)
    kill_all(process)
    assert not (output / STUDY).exists()
    # No more is needed than where it is.
    assert main(["hypotheses", str(dataset.path), "-o", str(output), "--resume"]) in (0, 1)
    assert _table(output) == _table(unbroken)


@pytest.mark.slow
def test_two_workers_one_of_them_killed_do_all_runs_once(dataset: Any, tmp_path: Path) -> None:
    sweep = start_sweep(_sweep(tmp_path / "s", dataset, "linear", "sqrt", "square"))
    killed: list[int] = []

    def progress(*now: Any) -> None:
        if not killed and list(sweep.path.glob("runs/*/history.csv")):
            killed.extend(kill_named("worker0", sweep.path))

    run_workers(sweep.path, 2, sweep.status, progress)
    assert killed and all(sweep.is_done(name) for name in sweep.plan)
    assert finished_runs(sweep)[2] == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--compare", "sqrt", "linear", "DATA", "-o", "q"],
            "DATA must be given, before the options that take several",
        ),
        (["DATA", "--compare=sqrt", "guess", "-o", "q"], "Received: nothing there"),
        (["DATA", "-o", "q", "--learn", "magic"], "'magic' is not one of 'anchors', 'iterative'"),
    ],
)
def test_mistakes_on_the_command_line_are_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hypotheses", *words]) == 2
    shown = capsys.readouterr().err
    assert message in shown and len(shown.splitlines()) == 1


@pytest.mark.parametrize("text", ["[" * 10**5, "{", "3", '{"reason": 1, "a": ' + "[" * 200 + "]" * 200 + "}"])
def test_notes_of_a_run_that_are_damaged_are_named(text: str, tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, small("segmenter"), tmp_path, "0", {"x": PlannedRun("x", {})})
    (tmp_path / RUNS).mkdir()
    assert sweep.failure("x") == ""
    (tmp_path / RUNS / f"x{FAILED}").write_text(text)
    with pytest.raises(RunError, match="must be what copper wrote of a run. Received: "):
        sweep.failure("x")
    sweep.record_failure("x", "no memory")
    assert sweep.failure("x") == "no memory"


def test_a_sweep_with_a_link_that_leaves_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / PLAN).write_text("{}")
    (tmp_path / "sweep" / RUNS).symlink_to(tmp_path)
    with pytest.raises(RunError, match="must lie in .*sweep. Received: a link that leaves it"):
        open_sweep(tmp_path / "sweep")

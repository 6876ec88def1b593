"""Small habits of command lines: suggestions, help in groups, --json, -q, -v, exit codes, python -m."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from copper_tf.cli.examples import EXAMPLES
from copper_tf.cli.main import COMMANDS, cli, main
from copper_tf.cli.output import SHOWN
from copper_tf.cli.verbs import Verb
from tests.conftest import ROOT
from tests.test_docs_commands import check_command

_SMALL = ("--height", "64", "--width", "64")


def _commands(group: click.Group, path: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        here = f"{path} {name}".strip()
        found |= _commands(command, here) if isinstance(command, click.Group) else {here: command}
    return found


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["trian"], "Did you mean train?"),
        (["Predict"], "Did you mean predict?"),
        (["hypothesis"], "Did you mean hypotheses?"),
        (["train", "clasifier"], "Did you mean classifier?"),
        (["search", "segmentor"], "Did you mean segmenter?"),
        (["train", "DATA"], "Commands are classifier, segmenter."),
        (["predict", "x", "y", "-o", "z", "--tabel", "t.csv"], "'--table'"),
    ],
)
def test_mistyped_words_end_in_the_ones_that_were_meant(
    typed: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 2
    assert meant in capsys.readouterr().err


def test_examples_are_shown_and_fit_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(EXAMPLES) == set(_commands(cli))
    for name, examples in EXAMPLES.items():
        assert main([*name.split(), "--help"]) == 0
        shown = capsys.readouterr().out
        for example in examples:
            assert example.startswith(f"copper {name} ") and f"  {example}\n" in shown
            check_command(example.partition(" > ")[0])


def test_every_command_has_the_options_of_output() -> None:
    for name, command in _commands(cli).items():
        assert isinstance(command, Verb), name
        assert ("--json" in {flag for p in command.params for flag in p.opts}) == (name not in ("view", "blindtest"))


def test_options_stand_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "segmenter", "--help"]) == 0
    shown = capsys.readouterr().out
    headings = re.findall(r"^([A-Z][\w ]+):$", shown, re.M)
    assert headings == [
        "Options", "Crops and grey values", "Network", "Training", "How pictures are split", "How pictures are read",
        "Output", "Examples",
    ]  # fmt: skip
    network = shown.partition("\nNetwork:\n")[2].partition("\nTraining:\n")[0]
    assert "--decoder" in network and "--epochs" not in network


def test_exit_codes_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for text in ("0 done", "1 done, but the result is bad", "2 misuse", "3 some pictures couldn't be read", "130"):
        assert text in shown
    assert all(verb in shown for verb in COMMANDS)


def test_json_is_all_of_standard_output(
    sem_folder: Path, runs: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(sem_folder), "-o", str(tmp_path / "check"), "--json"]) in (0, 1)
    out, err = capsys.readouterr()
    assert json.loads(out)["format"].startswith("copper-check") and "surveying" in err or err
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    good = next((sem_folder / "t00").glob("*.png"))
    words = ["predict", str(runs["segmenter"].path), str(bad), str(good), "-o", str(tmp_path / "out"), "--json"]
    assert main(words) == 3
    found = json.loads(capsys.readouterr().out)
    assert len(found["rows"]) == len(found["failures"]) == 1 and found["files"]


def test_a_trained_run_as_json_has_no_nan(runs: dict[str, Any]) -> None:
    from copper_tf.api.results import as_json

    (found,) = json.loads(as_json([runs["segmenter"]]))
    assert found["kind"] == "segmenter" and found["epochs"] == 2 and found["best"]["val_nmse"]
    assert found["path"] == str(runs["segmenter"].path) and "NaN" not in as_json({"x": float("nan")})


def test_quiet_prints_errors_and_warnings_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", str(tmp_path / "a"), "--labels", "2", "--pictures", "1", "--sheets", "1", "--lots", "1"]
    for quiet in (["-q", *words], [*words, "--quiet"]):
        assert main([*quiet, *_SMALL]) == 0
        assert capfd.readouterr() == ("", "")
    assert main(["-q", "check", str(tmp_path / "none")]) == 2
    out, err = capfd.readouterr()
    assert not out and err.startswith("copper: ")
    # The next call says what it does again.
    assert main([*words, *_SMALL]) == 0
    assert "2 pictures" in capfd.readouterr().out and not SHOWN.quiet


def test_verbose_says_versions_times_and_where_an_error_comes_from(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path / "none"), "-v"]) == 2
    err = capfd.readouterr().err
    assert "copper-tf " in err and "tensorflow 2." in err and "Traceback" in err and re.search(r"took [\d.]+ s", err)
    assert main(["check", str(tmp_path / "none")]) == 2
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("hypothesis", "message"),
    [
        ("lineer", "hypothesis must be one of linear.*Received: 'lineer'"),
        ("constant", "hardly varies over the labels"),
        ('{"0": 1, "1": 0.5}', "the table must give g for every t of the data"),
        ('{"0": 1,', "the table is not JSON"),
    ],
)
def test_a_dry_run_checks_the_hypothesis(
    hypothesis: str, message: str, sem_folder: Path, dataset: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-o", "x", "--preset", "paper", "--hypothesis", hypothesis, "--dry-run"]
    for data in (sem_folder, dataset.path):
        assert main(["train", "segmenter", str(data), *words]) == 2
        assert re.search(message, capsys.readouterr().err)
    # Without data, as far as can be known.
    assert main(["train", "segmenter", "nowhere", *words]) == (2 if hypothesis in ("lineer", '{"0": 1,') else 0)


def test_a_memory_limit_needs_a_unit(dataset: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["search", "classifier", str(dataset.path), "-o", str(tmp_path / "s"), "--memory-limit", "12", "--dry-run"]
    assert main(words) == 2
    assert "memory limit must be a size above 0 with its unit, such as 12GB" in capsys.readouterr().err


def test_a_module_is_a_door_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "copper_tf", "--version"]
    shown = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
    assert shown.returncode == 0 and shown.stdout.startswith(b"copper, version ")


def test_runs_open_by_text(runs: dict[str, Any]) -> None:
    from copper_tf.runs import is_run, open_run, seed_runs

    text = str(runs["classifier"].path)
    assert is_run(text) and open_run(text).path == Path(text) and seed_runs(text) == []


@pytest.mark.parametrize(
    "words",
    ["train segmenter D", "train classifier D", "fit F", "export R", "predict M a.png", "bulk M a.png",
     "search classifier D", "hypotheses D"],
)  # fmt: skip
def test_without_a_place_for_results_one_line_says_so(words: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "Missing option '-o' / '--output'" in line or "output must be given" in line
    assert "--help`)" in line


@pytest.mark.parametrize("words", ["fit F -o", "train segmenter D --epochs", "search classifier D -o S --seed"])
def test_an_option_without_its_value_points_to_the_help_of_its_command(
    words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 2
    (line,) = capfd.readouterr().err.splitlines()
    verb = " ".join(word for word in words.split() if word.isalpha() and word.islower())
    assert "requires an argument" in line and line.endswith(f"(see `copper {verb} --help`)")


def test_settings_are_shown_without_a_place_for_results(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "segmenter", "D", "--dry-run"]) == 0
    assert '"d": 3' in capfd.readouterr().out

"""All that a report says, as one JSON of plain values; ``report/`` makes the page, the PDF and the card of it."""

from __future__ import annotations

import dataclasses
import datetime
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.analysis.baselines.results import Baselines
from copper_tf.analysis.blindtest.results import BlindTestResult
from copper_tf.analysis.comparison import SCORES, Grader, compare, group_seeds, read_graders
from copper_tf.analysis.hypotheses.results import HypothesisStudy
from copper_tf.analysis.results import Evaluation
from copper_tf.analysis.trust.results import Trust
from copper_tf.report.full.acquisition import acquisition, recorded
from copper_tf.report.full.examples import Exhibit, chosen, exhibits
from copper_tf.report.full.models import FOLDS, SEEDS, Member
from copper_tf.runs.provenance import build_command, cost, software, training_command, weights
from copper_tf.statistics.scores import sheet_means, step_scores
from tfds_copper.dataset import Dataset
from tfds_copper.progress import Progress

__all__ = ["DOSSIER", "FORMAT", "gather", "lead"]

DOSSIER = "report.json"
FORMAT = "copper-report 1"

# What of a dataset's metadata stands in the report.
_KEPT = (
    "fingerprint", "folder_fingerprint", "settings", "reading", "splits", "columns", "skipped", "pixel_sizes_nm",
    "duplicate_pairs", "caveats", "notes",
)  # fmt: skip


def lead(found: Sequence[Member], kind: str) -> Member | None:
    """The run of a kind that the report shows in full: the first that was named."""
    return next((member for member in found if member.kind == kind), None)


def _member(member: Member) -> dict[str, Any]:
    """What the report says of one run: settings, scores, cost, hashes."""
    run = member.run
    evaluation = run.read(Evaluation).to_dict()
    each = [cost(part) for part in member.parts]
    return {
        "name": member.name,
        "kind": member.kind,
        "way": member.way,
        "runs": len(member.parts),
        "seeds": [part.config.training.seed for part in member.parts],
        "config": run.config.flat(),
        "hypothesis": evaluation["hypothesis"],
        "hypothesis_note": run.hypothesis_note,
        "caveats": evaluation["caveats"],
        "splits": evaluation["splits"],
        "knows": statistics.described() if (statistics := member.tested.reference_statistics) else [],
        "out_of_distribution": evaluation["out_of_distribution"],
        "gaps": evaluation["gaps"],
        "cost": [c for c in each if c],
        "weights": weights(member),
        "trust": member.tested.read(Trust).verdict if member.tested.has(Trust) else None,
        "baselines": member.tested.has(Baselines),
    }


def _dataset(datasets: Sequence[Dataset], folds: bool) -> dict[str, Any]:
    described = datasets[0].metadata.to_dict()
    return {
        "name": Path(described["source"]).name,
        **{name: described[name] for name in _KEPT},
        "fingerprints": [d.fingerprint for d in datasets],
        "findings": described["findings"],
        "pictures": sum(datasets[0].split_sizes.values()),
        "folds": len(datasets) if folds else 0,
    }


def _sheets(member: Member) -> dict[str, Any] | None:
    """The means of the sheets of the test pictures; None where sheets are unknown."""
    test = member.run.read(Evaluation).pictures.of_split("test")
    names = test["sheet"].tolist()
    if not all(names):
        return None
    return {"run": member.name, "means": sheet_means(test["potency"], names, test["label"])}


def _repeat(found: Sequence[Member], described: Mapping[str, Any], extra: Sequence[str]) -> list[str]:
    """The commands that make all of it again, in their order; folders are called by their names."""
    commands = [build_command(described)]
    for member in found:
        run = shlex.quote(member.path.resolve().name)
        command = training_command(member.parts[0].config, "DATA", member.path.resolve().name)
        if member.way == SEEDS:
            command += f" --seeds {len(member.parts)}"
        commands += [command, f"copper evaluate {run}"]
        done = [kind.NAME for kind in (Trust, Baselines) if member.tested.has(kind)]
        commands += [member.command_of(verb) for verb in done]
    names = " ".join(shlex.quote(member.path.resolve().name) for member in found)
    return [*commands, " ".join(["copper report", names, *extra])]


def _missing(found: Sequence[Member], study: Any, blindtest: Any) -> list[dict[str, str]]:
    """What a report could say and this one can't, each with the command that makes it."""
    maps, grades = lead(found, "segmenter"), lead(found, "classifier")
    rows = []

    def lack(what: str, how: str) -> None:
        rows.append({"what": what, "how": how})

    if maps is None:
        lack("Potency maps (Figures 9 and 10)", "copper train segmenter DATA -o MAPS, then name MAPS too")
    else:
        lacks = ((Trust, "Whether the maps can be believed"), (Baselines, "Simpler methods beside the model"))
        for kind, what in lacks:
            if not maps.tested.has(kind):
                lack(what, maps.command_of(kind.NAME))
    if grades is None:
        lack("A classifier of the same pictures (Figure 8)", "copper train classifier DATA -o GRADES, then name it too")
    if blindtest is None:
        lack("The experts' blind test (Figure 7)", "copper blindtest RUNS -o FOLDER, then --blindtest FOLDER")
    if study is None:
        lack("Other hypotheses of the decay (Figure 11)", "copper hypotheses DATA -o FOLDER, then --hypotheses FOLDER")
    return rows


def _over_seeds(grader: Grader) -> dict[str, Any]:
    """Mean and range of the scores over runs that differ in their seed alone."""
    labels = len(grader.times)
    each = [step_scores({"label": grader.pictures["label"], "grade": column}, labels) for column in grader.grades.T]
    return {
        "name": grader.name,
        "runs": len(each),
        "scores": {name: float(np.mean([scores[name] for scores in each])) for name in SCORES},
        "ranges": {name: [min(s[name] for s in each), max(s[name] for s in each)] for name in SCORES},
    }


def _without_paths(study: HypothesisStudy) -> HypothesisStudy:
    """A study with the names of folders, but not where on this machine they lie: a report is handed on."""
    rows = [dataclasses.replace(row, runs=tuple(Path(run).name for run in row.runs)) for row in study.hypotheses]
    return dataclasses.replace(study, data=Path(study.data).name, hypotheses=tuple(rows))


def _blindtest_dict(result: BlindTestResult) -> dict[str, Any]:
    """The results of a blind test, with the names of folders instead of their paths."""
    return dataclasses.replace(result, path=Path(result.path).name, dataset=Path(result.dataset).name).to_dict()


def _compared(found: Sequence[Member]) -> dict[str, Any] | None:
    """The runs as graders of the same test pictures, those that differ in their seed alone together."""
    graders = group_seeds(read_graders([member.path for member in found]))
    if len(graders) == 1:
        return {"graders": [], "seeds": _over_seeds(graders[0])} if len(found) > 1 else None
    told = compare(graders).to_dict()
    for row in told["graders"]:
        row["runs"] = [Path(run).name for run in row["runs"]]
    return {**told, "seeds": None}


def gather(
    found: Sequence[Member],
    study: HypothesisStudy | None = None,
    blindtest: BlindTestResult | None = None,
    extra: Sequence[str] = (),
    progress: Progress | None = None,
) -> tuple[dict[str, Any], list[Exhibit]]:
    """Gathers what a report says of evaluated runs of one dataset.

    Args:
        found: from `members.members`; the first segmenter, or else the first run, is shown on page one.
        study: what `copper hypotheses` wrote, None where it is not given.
        blindtest: what `copper blindtest` wrote, None where it is not given.
        extra: further words of the command, for the section that says how to repeat it.
        progress: called with (done, total, what).

    Returns:
        What goes into `DOSSIER`, and the pictures of page one.

    Raises:
        RunError: if the dataset is gone or has changed.
    """
    first = lead(found, "segmenter") or found[0]
    datasets = first.datasets()
    evaluation = first.run.read(Evaluation)
    shown = exhibits(first, evaluation, progress)
    by_file = {e.file: e for e in shown}
    rows = [
        row | {"shape": list(by_file[row["file"]].shape), "pixel_size_nm": by_file[row["file"]].pixel_size_nm}
        for row in chosen(evaluation)
    ]
    told = {
        "format": FORMAT,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "labels": dataclasses.asdict(first.run.labels),
        "first": first.name,
        "members": [_member(member) for member in found],
        "sheets": _sheets(first) if first.kind == "segmenter" else None,
        "exhibits": rows,
        "acquisition": acquisition(recorded(datasets[0], progress)),
        "dataset": _dataset(datasets, first.way == FOLDS),
        "comparison": _compared(found),
        "hypotheses": study and _without_paths(study).to_dict(),
        "blindtest": blindtest and _blindtest_dict(blindtest),
        "missing": _missing(found, study, blindtest),
        "repeat": {"commands": _repeat(found, datasets[0].metadata.to_dict(), extra), "software": software()},
    }
    return told, shown

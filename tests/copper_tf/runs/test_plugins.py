"""A package with a head, a decoder, a hypothesis, a loss and a reader is installed, and the whole road uses it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from copper_tf.config import DECODERS, HEADS, LOSSES, default_config
from copper_tf.decay.hypotheses import HYPOTHESES
from copper_tf.runs.plugins import plugins_of
from copper_tf.runs.run import create_run, open_run
from tests.conftest import ROOT
from tfds_copper.errors import RunError, SettingError
from tfds_copper.plugins import Plugin, Registry

_PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "acme-copper"
version = "1.2"
[tool.setuptools]
py-modules = ["acme_copper"]
[project.entry-points."copper_tf.heads"]
flat = "acme_copper:flat_head"
[project.entry-points."copper_tf.decoders"]
bilinear = "acme_copper:bilinear_decoder"
[project.entry-points."copper_tf.hypotheses"]
quartic = "acme_copper:quartic"
[project.entry-points."copper_tf.losses"]
absolute = "acme_copper:AbsoluteLoss"
[project.entry-points."copper_tf.readers"]
acme = "acme_copper:read_acme"
"""

_MODULE = '''
"""One of each."""

import sys


def __getattr__(name):
    if name == "AbsoluteLoss":
        import acme_loss
        return acme_loss.AbsoluteLoss
    raise AttributeError(name)


def flat_head(network, features, labels):
    return network.dense(features, labels, "probabilities", use_bias=False, activation="softmax")


from copper_tf.models.heads import Head
flat_head = Head(flat_head)


def bilinear_decoder(network, x, skips):
    for level in reversed(range(len(skips))):
        x = network.upsample(x, f"up{level}_bilinear")
    return x


def quartic(u):
    return 1 - u**4


def read_acme(picture):
    from tfds_copper.micrograph import Metadata

    beside = picture.with_suffix(".acme")
    return Metadata(vendor="Acme", pixel_size_nm=float(beside.read_text())) if beside.is_file() else None
'''

_LOSS = '''
import keras
import tensorflow as tf
from copper_tf.models.losses import MeanLoss


@keras.saving.register_keras_serializable(package="acme")
class AbsoluteLoss(MeanLoss):
    """|m - g|."""

    @staticmethod
    def distance(mean, g):
        return tf.abs(mean - g)
'''

_ROAD = """
import sys
from copper_tf.cli.main import main

def run(*arguments):
    code = main([str(a) for a in arguments])
    assert code == 0, (arguments, code)

sem, out = sys.argv[1:]
short = "--preset paper --d 2 --n 1 --c 4 --crop 48 --epochs 1 --batch-size 8".split()
run("build", sem, "-o", f"{out}/data", "--split", "6/2/2")
run("train", "classifier", f"{out}/data", "-o", f"{out}/classifier", "--head", "flat", *short)
run("train", "segmenter", f"{out}/data", "-o", f"{out}/segmenter", "--decoder", "bilinear", "--loss", "absolute",
    "--hypothesis", "quartic", "--margin", "8", *short)
run("train", "segmenter", f"{out}/data", "-o", f"{out}/segmenter", "--resume")
for kind in ("classifier", "segmenter"):
    run("evaluate", f"{out}/{kind}")
    run("predict", f"{out}/{kind}", sem, "-o", f"{out}/predicted_{kind}")
    run("export", f"{out}/{kind}", "-o", f"{out}/exported_{kind}")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed."""
    source, target = tmp_path_factory.mktemp("acme"), tmp_path_factory.mktemp("site")
    for name, text in (("pyproject.toml", _PROJECT), ("acme_copper.py", _MODULE), ("acme_loss.py", _LOSS)):
        (source / name).write_text(text.replace('["acme_copper"]', '["acme_copper", "acme_loss"]'))
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", target, source], check=True, capture_output=True)
    return target


def _python(code: str, *arguments: Any, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(place) for place in (ROOT, site) if place)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, check=False)


@pytest.mark.slow
def test_a_package_with_one_of_each_walks_the_road(site: Path, sem_folder: Path, tmp_path: Path) -> None:
    sem = tmp_path / "sem"
    shutil.copytree(sem_folder, sem)
    pictures = [p for p in sem.rglob("*") if p.suffix in (".png", ".tif") and "truth" not in p.parts]
    for picture in pictures:
        picture.with_suffix(".acme").write_text("7.5")
    assert len(pictures) == 30
    # Without the column of labels.csv only the plug-in knows the size of a pixel.
    with (sem / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (sem / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name != "pixel_size_nm"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    done = _python(_ROAD, sem, tmp_path, site=site)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert list(json.loads((tmp_path / "segmenter" / "data.json").read_text())["pixel_sizes_nm"]) == ["7.5"]
    record = json.loads((tmp_path / "segmenter" / "plugins.json").read_text())
    assert [(p["kind"], p["name"], p["package"], p["version"]) for p in record["needed"]] == [
        ("decoder", "bilinear", "acme-copper", "1.2"),
        ("loss", "absolute", "acme-copper", "1.2"),
        ("hypothesis", "quartic", "acme-copper", "1.2"),
    ]
    assert [p["name"] for p in record["readers"]] == ["acme"]
    assert (tmp_path / "classifier" / "plugins.json").is_file()
    # The decoder has no convolutions: it sees less than the U-Net does.
    seen = "import sys; from copper_tf.runs.run import open_run; from pathlib import Path; "
    seen += "print(open_run(Path(sys.argv[1])).receptive_field)"
    assert int(_python(seen, tmp_path / "segmenter", site=site).stdout) < default_width()
    # Without the package a run says what it lacks.
    missing = _python("import sys; from copper_tf.cli.main import main; sys.exit(main(sys.argv[1:]))", "evaluate",
                      tmp_path / "segmenter")  # fmt: skip
    assert missing.returncode == 2
    assert missing.stderr.strip().endswith(
        "segmenter: needs the decoder 'bilinear' of acme-copper 1.2, which must be installed. "
        "Received: no decoder 'bilinear'"
    )


def default_width() -> int:
    from copper_tf.models.architecture import network_of

    return network_of(default_config("segmenter", n=1)).receptive_field


def test_what_a_program_registers_is_allowed_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def passed(network: Any, features: Any, labels: int) -> Any:
        return features

    for registry, kind, setting in (
        (HEADS, "classifier", "head"), (DECODERS, "segmenter", "decoder"),
        (LOSSES, "segmenter", "loss"), (HYPOTHESES, "segmenter", "hypothesis"),
    ):  # fmt: skip
        monkeypatch.setitem(registry, "passed", passed)
        config = default_config(kind, **{setting: "passed"})
        assert plugins_of(config).needed == (Plugin(setting, "passed", "tests"),)
        assert plugins_of(default_config(kind)).needed == ()


def test_a_run_names_what_it_lacks(runs: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    def quartic(u: Any) -> Any:
        return 1 - u**4

    with monkeypatch.context() as patch:
        patch.setitem(HYPOTHESES, "quartic", quartic)
        run = runs["segmenter"]
        create_run(dataclasses.replace(run, path=tmp_path / "run", config=run.config.replace(hypothesis="quartic")))
        assert open_run(tmp_path / "run").config.training.hypothesis == "quartic"
    with pytest.raises(RunError, match="run: needs the hypothesis 'quartic' of tests, which must be installed. Rec"):
        open_run(tmp_path / "run")
    assert not (runs["segmenter"].path / "plugins.json").exists()


@pytest.mark.parametrize(
    ("group", "setting"),
    [("model", "head"), ("model", "decoder"), ("training", "loss"), ("training", "hypothesis")],
)
def test_an_export_opens_where_its_plugins_have_never_been(group: str, setting: str, runs: dict[str, Any]) -> None:
    from copper_tf.inference.exported.metadata import ModelMetadata

    run = runs["segmenter"]
    values = json.loads(ModelMetadata.of(run).to_json())
    assert setting in values["config"][group]
    opened = ModelMetadata.from_json(json.dumps(values), "model").config
    assert opened == run.config
    values["config"][group][setting] = "of another program"
    found = ModelMetadata.from_json(json.dumps(values), "model").config
    assert found.kind == "segmenter" and found.model.d == run.config.model.d and found.data == run.config.data
    values["config"]["model"]["d"] = "of another program"
    with pytest.raises(RunError, match="must be an intact export"):
        ModelMetadata.from_json(json.dumps(values), "model")


def test_registries_import_what_is_asked_for() -> None:
    registry: Registry[Any] = Registry("loss", {"own": "json:loads", "value": 3})
    assert list(registry) == ["own", "value"] and len(registry) == 2
    assert registry["own"] is json.loads and registry["value"] == 3
    assert registry.get("other", 5) == 5 and registry.plugin("own") is None and registry.plugin("other") is None
    with pytest.raises(SettingError, match="loss must be one of own, value. Received: 'other'"):
        registry["other"]
    registry["other"] = json.dumps
    assert registry.plugin("other") == Plugin("loss", "other", "json") and "other" in registry
    del registry["other"]
    assert "other" not in registry


def test_a_plugin_that_cant_be_imported_is_one_clear_line(site: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(site, broken)
    (broken / "acme_copper.py").write_text("import nothing_of_the_kind\n")
    code = "from copper_tf.config import HEADS; assert 'flat' in HEADS and 'flat' in list(HEADS); HEADS['flat']"
    done = _python(code, site=broken)
    assert done.stderr.strip().splitlines()[-1] == (
        "tfds_copper.errors.SettingError: head 'flat': the plug-in acme_copper:flat_head must be importable. "
        "Received: ModuleNotFoundError: No module named 'nothing_of_the_kind'"
    )

"""A checkpoint from elsewhere is opened as numbers and known layers, or refused in one line: it runs nothing."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import pytest

from copper_tf.models.factory import load_weights
from copper_tf.runs.run import BEST, Run
from copper_tf.training.checkpoints import last_model
from tests.conftest import ROOT
from tfds_copper.errors import RunError


@pytest.fixture
def run(runs: dict[str, Any], tmp_path: Path) -> Run:
    """A run whose last checkpoint may be another file."""
    (tmp_path / "checkpoints").mkdir()
    return dataclasses.replace(runs["segmenter"], path=tmp_path)


def _model() -> Any:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def _file(run: Run) -> Path:
    return run.checkpoint_file(1)


def _with_config(file: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    _model().save(file)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _layer(kind: str, module: str, **config: Any) -> Callable[[dict[str, Any]], Any]:
    def change(values: dict[str, Any]) -> None:
        layer = values["config"]["layers"][1]
        layer.update(module=module, class_name=kind, registered_name=None)
        layer["config"] = {"name": "evil", **config}

    return change


def test_a_checkpoint_is_opened_with_its_epochs(run: Run) -> None:
    assert last_model(run) is None
    _model().save(_file(run))
    model, epochs = last_model(run) or (None, 0)
    assert epochs == 1 and [type(layer).__name__ for layer in model.layers] == ["Dense"]
    assert model.count_params() == 8


@pytest.mark.parametrize(
    "change",
    [
        _layer("Lambda", "keras.layers", function={"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}),
        _layer("TFSMLayer", "keras.layers", filepath="/tmp/evil"),
        _layer("Evil", "antigravity"),
        _layer("system", "os"),
        _layer("get_file", "keras.utils", origin="http://127.0.0.1:1/x"),
        lambda values: values.update(module="os", class_name="system", registered_name=None),
        lambda values: values.clear(),
    ],
    ids=["lambda", "saved model", "module", "function", "keras' own function", "whole", "empty"],
)
def test_a_checkpoint_that_holds_more_than_known_layers_is_refused(change: Any, run: Run) -> None:
    _with_config(_file(run), change)
    with pytest.raises(RunError, match="last-00001.keras: must be a complete checkpoint. Received: ") as caught:
        last_model(run)
    assert len(str(caught.value).splitlines()) == 1


def test_a_checkpoint_of_code_is_refused_even_where_it_was_saved_by_keras(run: Run) -> None:
    keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x + 1)]).save(_file(run))
    with pytest.raises(RunError, match="must be a complete checkpoint"):
        last_model(run)


def test_a_checkpoint_unpacks_to_hardly_more_than_it_is(run: Run) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * 10**7)
    _file(run).write_bytes(stream.getvalue())
    with pytest.raises(RunError, match="Received: a file that unpacks to 10000000 bytes"):
        last_model(run)
    for content in (b"", b"no zip", stream.getvalue()[:99]):
        _file(run).write_bytes(content)
        with pytest.raises(RunError, match="must be a complete checkpoint"):
            last_model(run)


def test_weights_are_read_from_no_other_file_and_damaged_ones_are_one_line(
    run: Run, runs: dict[str, Any], tmp_path: Path
) -> None:
    file, model = tmp_path / "checkpoints" / BEST, _model()
    model.save_weights(file)
    load_weights(model, file)
    (tmp_path / "secret").write_bytes(bytes(24))

    def outside(held: h5py.File, name: str) -> None:
        held.create_dataset(name, (3, 2), "f4", external=[(str(tmp_path / "secret"), 0, 24)])

    def linked(held: h5py.File, name: str) -> None:
        held[name] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")

    with h5py.File(file) as held:
        kernel = next(name for name in _names(held) if held[name].shape == (3, 2))
    for spoil in (outside, linked):
        with h5py.File(file, "r+") as held:
            del held[kernel]
            spoil(held, kernel)
        with pytest.raises(RunError, match=f"{BEST}: must be the weights of this run's config. Received: "):
            load_weights(model, file)
    for content in (b"", b"no weights", b"\x89HDF\r\n\x1a\n" + bytes(99)):
        file.write_bytes(content)
        with pytest.raises(RunError, match="must be the weights of this run's config. Received: "):
            load_weights(model, file)
        with pytest.raises(RunError, match="must be the weights of this run's config. Received: "):
            run.load_model()


def _names(held: h5py.File) -> list[str]:
    names: list[str] = []
    held.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def test_keras_files_are_opened_in_one_place() -> None:
    sources = [p for top in ("copper_tf", "tfds_copper", "tuning") for p in (ROOT / top).rglob("*.py")]
    opening = "models.load_model(", "saving.load_model(", "pickle.load", "allow_pickle=True", "yaml.load(", "eval("
    assert {p.name for p in sources if any(word in p.read_text() for word in opening)} == {"checkpoints.py"}

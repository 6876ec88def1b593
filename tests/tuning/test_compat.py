"""KerasTuner has the private names that tuning uses, and tuning does without what another system lacks."""

from __future__ import annotations

import os
import re
from pathlib import Path

import keras_tuner
import pytest

from tuning import compat
from tuning.compat import EPOCHS_ENTRY, PRIVATE_NAMES, nvidia_gpus, parent_is_alive


def _oracle(kind: type) -> keras_tuner.Oracle:
    space = keras_tuner.HyperParameters()
    space.Choice("n", [1, 2])
    arguments = {"objective": keras_tuner.Objective("accuracy", "max"), "hyperparameters": space}
    return kind(**arguments)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in PRIVATE_NAMES.items() for name in names])
def test_keras_tuner_still_has_its_private_name(kind: type, name: str) -> None:
    assert hasattr(_oracle(kind), name), f"KerasTuner dropped {kind.__name__}.{name}: see tuning/compat.py"


def test_every_private_name_in_use_is_listed() -> None:
    text = Path(compat.__file__).read_text(encoding="utf-8").split("def parent_is_alive")[0]
    listed = {name for names in PRIVATE_NAMES.values() for name in names}
    own = {"__init__", "_STATE"}
    used = set(re.findall(r"(?:self|oracle|super\(\))\.(_\w+)", text)) - own
    assert used <= listed, used - listed


def test_hyperband_still_notes_epochs_under_its_entry(tmp_path: Path) -> None:
    oracle = _oracle(keras_tuner.oracles.HyperbandOracle)
    compat.set_project_dir(oracle, tmp_path, "hyperband")
    assert EPOCHS_ENTRY in oracle.create_trial("tuner0").hyperparameters.values


def test_an_oracle_kept_in_memory_writes_nothing(tmp_path: Path) -> None:
    oracle = _oracle(keras_tuner.oracles.RandomSearchOracle)
    compat.set_project_dir(oracle, tmp_path, "random")
    compat.keep_in_memory(oracle)
    oracle.create_trial("tuner0")
    assert not list(tmp_path.rglob("trial.json"))


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_a_parent_that_is_gone_is_noticed(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getppid()
    monkeypatch.setattr(compat.os, "name", system)
    assert parent_is_alive(parent)
    # No process has this id.
    assert not parent_is_alive(2**22 + 1)


def test_gpus_come_from_the_environment_or_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5,")
    assert nvidia_gpus() == ["2", "5"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(compat, "_NVIDIA_GPUS", tmp_path)
    assert nvidia_gpus() == []
    (tmp_path / "0000:01:00.0").mkdir()
    assert nvidia_gpus() == ["0"]

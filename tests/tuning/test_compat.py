"""KerasTuner has the private names that tuning uses, and tuning does without what another system lacks."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import keras_tuner
import pytest
from keras_tuner.src.distribute.oracle_client import OracleClient

from tuning import compat
from tuning.compat import CLIENT_CALLS, EPOCHS_ENTRY, PRIVATE_NAMES, ask_again, nvidia_gpus, parent_is_alive


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
    oracle._set_project_dir(str(tmp_path), "hyperband")
    assert EPOCHS_ENTRY in oracle.create_trial("tuner0").hyperparameters.values


def test_an_oracle_kept_in_memory_writes_nothing(tmp_path: Path) -> None:
    oracle = _oracle(keras_tuner.oracles.RandomSearchOracle)
    oracle._set_project_dir(str(tmp_path), "random")
    compat.keep_in_memory(oracle)
    oracle.create_trial("tuner0")
    assert not list(tmp_path.rglob("trial.json"))


class _Lost(grpc.RpcError):
    """An answer that doesn't come."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code


def _worker(lost: list[str], code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> Any:
    """A worker's client with a chief whose next answers to these calls get lost, which does what it is asked."""
    chief: dict[str, Any] = {"status": "RUNNING", "ended": 0, "asked": []}

    def call(name: str, answer: Any) -> Any:
        def asked(*_: Any, **__: Any) -> Any:
            chief["asked"].append(name)
            if name == "end_trial":
                chief.update(status="COMPLETED", ended=chief["ended"] + 1)
            if name in lost:
                lost.remove(name)
                raise _Lost(code)
            return answer()

        return asked

    trial = lambda: SimpleNamespace(trial_id="0", status=chief["status"])  # noqa: E731
    answers = {name: trial if "trial" in name and "best" not in name else list for name in CLIENT_CALLS}
    client = SimpleNamespace(chief=chief, **{name: call(name, answer) for name, answer in answers.items()})
    ask_again(client)
    return client


def test_keras_tuners_client_asks_what_we_ask_again() -> None:
    own = {name for name, value in vars(OracleClient).items() if callable(value) and not name.startswith("_")}
    assert own == set(CLIENT_CALLS)


def test_an_answer_that_is_lost_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "_AGAIN", 0.0)
    client = _worker(["create_trial", "create_trial", "update_trial"])
    assert client.create_trial("worker0").trial_id == "0" and client.update_trial("0", {}, step=1).trial_id == "0"
    assert client.chief["asked"] == 3 * ["create_trial"] + 2 * ["update_trial"]
    # The control: what the chief refuses is no matter of the network.
    refused = _worker(["create_trial"], grpc.StatusCode.INVALID_ARGUMENT)
    with pytest.raises(grpc.RpcError):
        refused.create_trial("worker0")


def test_a_trial_ends_once_though_the_answer_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "_AGAIN", 0.0)
    client = _worker(["end_trial", "get_trial"])
    client.end_trial(client.create_trial("worker0"))
    assert client.chief["ended"] == 1 and client.chief["asked"].count("get_trial") == 2


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

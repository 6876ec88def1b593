"""The processes of a search on one machine: each with its share of it, none where another works, none left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import worked_in
from tfds_copper.errors import OutputError
from tuning import compat, workers
from tuning.cluster import CHIEF, TUNER_ID
from tuning.workers import run_workers


def test_every_worker_gets_a_gpu_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: dict[str, dict[str, str]] = {}

    def popen(command: list[str], env: dict[str, str], **more: Any) -> None:
        started[env[TUNER_ID]] = env

    monkeypatch.setattr(workers.subprocess, "Popen", popen)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    workers._WorkerPool(tmp_path, 3)
    gpus = [started[name]["CUDA_VISIBLE_DEVICES"] for name in (CHIEF, "worker0", "worker1", "worker2")]
    assert gpus == ["", "2", "5", "2"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(compat, "_NVIDIA_GPUS", tmp_path / "none")
    workers._WorkerPool(tmp_path, 2)
    assert "CUDA_VISIBLE_DEVICES" not in started["worker1"]


def test_processes_are_ended_where_one_can_not_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    class Process:
        def __init__(self, command: list[str], env: dict[str, str], **more: Any) -> None:
            self.name = env[TUNER_ID]
            if self.name == "worker1":
                raise OSError("no more processes")

        def poll(self) -> None:
            """Runs still."""

        def kill(self) -> None:
            ended.append(self.name)

        def wait(self) -> None:
            """Is over."""

    monkeypatch.setattr(workers.subprocess, "Popen", Process)
    with pytest.raises(OSError, match="no more processes"):
        workers._WorkerPool(tmp_path, 3)
    assert ended == [CHIEF, "worker0"]


def test_workers_are_refused_where_another_process_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_POLL_SECONDS", 0)
    monkeypatch.setattr(workers, "_WorkerPool", lambda *_: pytest.fail("processes were started"))
    with worked_in(tmp_path), pytest.raises(OutputError, match="one process at a time may work in it"):
        run_workers(tmp_path, 2, lambda: pytest.fail("asked"))

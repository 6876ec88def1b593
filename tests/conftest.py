"""What many tests stand on: one small simulated world and one small run of each kind, made once for all processes."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
# Processes side by side share the processors: threads of one process for all of them would only wait for each other's.
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // _WORKERS)))

import shutil  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import fasteners  # noqa: E402
import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever needs a browser, an export in every format, or a sweep, search or ensemble of its own is slow."""
    for item in items:
        if {"browser", "exports", "unbroken", "trained"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


Once = Callable[[str, Callable[[Path], Any]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Makes a folder in the first process that asks for it; the others wait, and read it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"

    def made(name: str, make: Callable[[Path], Any]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        folder.parent.mkdir(parents=True, exist_ok=True)
        with fasteners.InterProcessLock(shared / f"{name}.lock"):
            if not done.exists():
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real pictures; tests that need it skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("../shared/data is absent")
    return folder


@pytest.fixture(scope="session")
def sem_folder(once: Once) -> Path:
    """A SEM folder: 3 labels x 10 pictures of 64x80 px from 5 sheets each, with masks."""
    from copper_tf.simulation import SimulationSettings, simulate

    settings = SimulationSettings(labels=3, pictures=10, sheets=5, height=64, width=80, seed=3)
    return once("copper", lambda folder: simulate(folder, settings, workers=1))


@pytest.fixture(scope="session")
def dataset(sem_folder: Path, once: Once) -> Any:
    """The built dataset of `sem_folder`: 6/2/2 pictures of every label."""
    from tfds_copper.copper_sem import build
    from tfds_copper.dataset import open_dataset
    from tfds_copper.splits.assign import SplitSettings

    return open_dataset(once("built", lambda folder: build(sem_folder, folder, SplitSettings(split="6/2/2"))))


@contextmanager
def worked_in(folder: Path) -> Iterator[None]:
    """While it is entered, another process works in a folder."""
    code = "import sys; from pathlib import Path; from tfds_copper.files import lock_folder\n"
    code += "with lock_folder(Path(sys.argv[1])): print('works', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "works\n"
        yield
        other.communicate()


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium; a test that needs it skips where there is none."""
    from copper_tf.reports.common.pdf import BROWSERS, find_browser

    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
    place = find_browser()
    if place is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is on the PATH")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=place, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for all tests of a module."""
    with chromium() as started:
        yield started


def small(kind: str, **settings: Any) -> Any:
    """A config that trains in seconds."""
    from copper_tf.config import PAPER, default_config

    margin = {} if kind == "classifier" else {"margin": 8}
    return default_config(
        kind, PAPER, **{"crop": 48, "c": 4, "d": 2, "epochs": 2, "batch_size": 6, **margin, **settings}
    )


@contextmanager
def eagerly() -> Iterator[None]:
    """While it is entered, Keras runs without tracing: half the time for a net that takes only a few steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture
def eager() -> Iterator[None]:
    """Has a test run without tracing, see `eagerly`."""
    with eagerly():
        yield


@pytest.fixture
def registries() -> Iterator[None]:
    """Forgets what an example registers."""
    from copper_tf.config import DECODERS, HEADS, LOSSES
    from copper_tf.decay.hypotheses import HYPOTHESES

    before = [(registry, set(registry)) for registry in (HEADS, DECODERS, LOSSES, HYPOTHESES)]
    yield
    for registry, names in before:
        for name in set(registry) - names:
            del registry[name]


@pytest.fixture(scope="session")
def runs(dataset: Any, once: Once, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A trained and evaluated run of each kind, of which every process has a copy of its own."""
    from copper_tf.analysis.evaluation import evaluate
    from copper_tf.runs.run import open_run
    from copper_tf.training.loop import train

    def make(folder: Path) -> None:
        for kind in ("classifier", "segmenter"):
            evaluate(train(small(kind), dataset, folder / kind), dataset)

    trained = shutil.copytree(once("runs", make), tmp_path_factory.mktemp("runs") / "runs")
    return {kind: open_run(trained / kind) for kind in ("classifier", "segmenter")}

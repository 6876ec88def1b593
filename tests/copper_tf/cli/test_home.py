"""Every verb leaves the home of its user empty and calls nobody, whatever libraries it opens.

That the same recorder hears what isn't switched off is shown by the controls of ``inference/test_telemetry.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from copper_tf.cli.main import COMMANDS
from tests.copper_tf.inference.test_telemetry import CI_VARIABLES, left_at_home

# One process for all verbs.
pytestmark = pytest.mark.slow

_SMALL = "--crop 48 --batch-size 6 --epochs 2"
_NET = f"{_SMALL} --margin 8 --c 4 --d 1"
_TINY = "--labels 2 --pictures 2 --sheets 1 --lots 1 --height 64 --width 64"
# What each verb is called with, in an order in which each has what it needs. Verbs that serve a page are stopped.
_CALLS = {
    "simulate": (f"simulate sim {_TINY}", "simulate tables --tables 1 --peel --labels 3 --sheets 8 --pictures 32"),
    "check": ("check FOLDER -o check",),
    "build": ("build FOLDER -o data --split 6/2/2",),
    "train": (f"train segmenter data -o run {_NET} --preset paper --restarts 0",),
    "evaluate": ("evaluate RUN_S", "evaluate RUN_C"),
    "trust": ("trust RUN_S",),
    "baselines": ("baselines RUN_C",),
    "compare": ("compare RUN_C RUN_S -o comparison",),
    "hypotheses": (f"hypotheses data -o study --compare linear --seeds 1 --permutations 0 {_NET}",),
    "search": (f"search classifier data -o search --oracle grid --space n=1 N=1 c=4 d=1 {_SMALL}",),
    "report": ("report RUN_S -o report",),
    "export": ("export RUN_S -o model --to savedmodel,onnx,openvino",),
    "predict": ("predict model FOLDER/t01 -o out --runtime onnx", "predict RUN_C FOLDER/t01 -o out_c"),
    "bulk": ("bulk model FOLDER/t01 -o bulk",),
    "compare-groups": ("compare-groups tables/scores-00001.csv --by lot -o groups",),
    "calibrate": ("calibrate tables/scores-00001.csv --strength peel_N_per_mm -o calibration",),
    "gauge": ("gauge tables/scores-00001.csv -o gauge",),
    "chart": ("chart tables/scores-00001.csv -o chart",),
    "view": ("view RUN_S FOLDER/t01 --no-open --port 0",),
    "blindtest": ("blindtest RUN_S -o test --no-open --port 0",),
}
# They call the functions of the others, one after the other, for minutes.
_MADE_OF_THE_OTHERS = {"fit", "demo"}
_ALL = """
import json, os, socket, signal, sys, threading, urllib.request
from pathlib import Path

said = []

def away(address):
    host = str(address[0] if isinstance(address, tuple) else address)
    return host not in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "None", "") and not host.startswith("/")

def recorded(real, which):
    def call(*words, **more):
        if away(words[which]):
            said.append(repr(words)[:200])
            raise OSError("no way out")
        return real(*words, **more)
    return call

urllib.request.urlopen = recorded(urllib.request.urlopen, 0)
socket.socket.connect = recorded(socket.socket.connect, 1)
socket.socket.connect_ex = recorded(socket.socket.connect_ex, 1)
socket.getaddrinfo = recorded(socket.getaddrinfo, 0)
from copper_tf.cli.main import main

calls, home, found = json.loads(sys.argv[1]), Path.home(), {}
for verb, lines in calls.items():
    codes, said[:] = [], []
    for line in lines:
        if verb in ("view", "blindtest"):
            threading.Timer(15, os.kill, (os.getpid(), signal.SIGINT)).start()
        codes.append(main(line.split()))
    left = sorted(p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file())
    found[verb] = [codes, list(said), left]
print("found:" + json.dumps(found))
"""


def test_every_verb_is_tried() -> None:
    assert set(_CALLS) | _MADE_OF_THE_OTHERS == set(COMMANDS)


@pytest.fixture(scope="module")
def found(sem_folder: Path, runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Exit codes, what was sent, and what lay in the home after each verb."""
    for name in ("onnxruntime", "openvino"):
        pytest.importorskip(name)
    place, home = tmp_path_factory.mktemp("verbs"), tmp_path_factory.mktemp("home")
    for name, folder in (("FOLDER", sem_folder), ("RUN_S", runs["segmenter"].path), ("RUN_C", runs["classifier"].path)):
        (place / name).symlink_to(folder)
    environment = {k: v for k, v in os.environ.items() if k not in CI_VARIABLES} | {"HOME": str(home)}
    command = [sys.executable, "-c", _ALL, json.dumps(_CALLS)]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=590)
    told = [line for line in done.stdout.splitlines() if line.startswith("found:")]
    assert told, done.stderr[-3000:]
    return {**json.loads(told[0].removeprefix("found:")), "home": home, "stderr": done.stderr}


@pytest.mark.parametrize("verb", _CALLS)
def test_a_verb_sends_nothing_and_leaves_nothing_at_home(verb: str, found: dict[str, Any]) -> None:
    codes, said, left = found[verb]
    # 1 is a bad result, which small networks have; 130 is Ctrl-C, by which pages are stopped.
    assert set(codes) <= ({0, 130} if verb in ("view", "blindtest") else {0, 1}), found["stderr"][-3000:]
    assert said == [] and left_at_home(left) == []

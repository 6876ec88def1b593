"""Every command of the docs fits the real command line; every block runs on small data, or says why not."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from copper_tf.cli.main import cli, main
from copper_tf.config import DEFAULT, PRESETS
from tests.conftest import ROOT, eagerly

PAGES = [ROOT / "README.md", *(p for p in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in p.parts)]
_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^>]+) -->\n)?^```(?P<language>console|python)\n(?P<text>.*?)^```", re.M | re.S
)
_INLINE = re.compile(r"`((?:copper|make|python -m) [^`\n]+|--[a-zA-Z][^`\n]*)`")
# What makes a command quick; later flags win.
_SHORT = "--preset paper --epochs 2 --restarts 0 --crop 48 --c 4 --d 2 --batch-size 6"
_QUICK = {
    "train classifier": "--epochs 2 --crop 48 --c 4 --d 2 --batch-size 6",
    "train segmenter": f"{_SHORT} --margin 8 --hypothesis linear --learn fixed --loss squared",
    # Their own tests train.
    "hypotheses": "--dry-run",
    "search": "--dry-run",
}


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Attributes:
        language: ``console`` or ``python``.
        text: as it stands there.
        reason: why it isn't run; empty where it is.
    """

    language: str
    text: str
    reason: str

    @property
    def commands(self) -> list[str]:
        """The lines behind a prompt, those that go on joined."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["language"], m["text"], m["reason"] or "") for m in found]


def words_of(command: str) -> list[str]:
    """The words of a command, without a comment."""
    return shlex.split(command, comments=True)


def command_of(words: Sequence[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, and the words behind its name."""
    found: click.Command = cli
    rest = list(words)
    while isinstance(found, click.Group) and rest and not rest[0].startswith("-"):
        inner = found.get_command(click.Context(found), rest[0])
        if inner is None:
            raise click.UsageError(f"no command {rest[0]}")
        found, rest = inner, rest[1:]
    return found, rest


def options_of(command: click.Command) -> set[str]:
    """All spellings of the options of a command and of those within it."""
    names = {name for p in command.params if isinstance(p, click.Option) for name in (*p.opts, *p.secondary_opts)}
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            names |= options_of(inner) if inner else set()
    return names | {"--help", "-h"}


def check_command(command: str) -> None:
    """Raises where a command doesn't fit the real command line."""
    words = words_of(command)
    if words[0] == "make":
        targets = [word for word in words[1:] if "=" not in word]
        assert all(re.search(rf"^{t}:", (ROOT / "Makefile").read_text(), re.M) for t in targets), command
    elif words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2]), command
    elif words[0] == "copper":
        known, rest = command_of(words[1:])
        try:
            known.parse_args(click.Context(known), rest)
        except click.exceptions.Exit:  # --help and --version
            return


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_fit_the_command_line(page: Path) -> None:
    for block in blocks(page):
        for command in block.commands:
            check_command(command)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_flags_in_the_text_exist(page: Path) -> None:
    everywhere = options_of(cli)
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    # Generated, or of the past.
    if page.stem in ("files", "changelog"):
        return
    for code in _INLINE.findall(text):
        words = code.split()
        if words[0] in ("make", "python"):
            check_command(code.replace("...", "").strip() if "..." not in code else "make help")
            continue
        known = options_of(command_of(words[1:])[0]) if words[0] == "copper" and words[1].islower() else everywhere
        flags = {word.partition("=")[0].rstrip(",") for word in words if re.match(r"--[a-zA-Z]", word)}
        assert flags <= known, f"`{code}`: {sorted(flags - known)}"


@pytest.fixture(scope="session")
def workspace(sem_folder: Path, dataset: Any, runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has what the docs call FOLDER, DATA, RUN_C, RUN_S, MODEL and new."""
    import copper_tf

    place = tmp_path_factory.mktemp("docs")
    shutil.copytree(sem_folder, place / "FOLDER")
    copper_tf.build(place / "FOLDER", place / "DATA", split="6/2/2")
    for name, kind in (("RUN_C", "classifier"), ("RUN_S", "segmenter")):
        shutil.copytree(runs[kind].path, place / name)
    copper_tf.export(place / "RUN_S", place / "MODEL")
    _write_new(place)
    return place


def _write_new(place: Path) -> None:
    from PIL import Image

    (place / "new").mkdir()
    for name, source in zip("ab", sorted((place / "FOLDER" / "t01").glob("*.png")), strict=False):
        with Image.open(source) as picture:
            picture.save(place / "new" / f"{name}.tif")
            picture.save(place / f"{name}.png")
            picture.save(place / f"{name}.tif")
    shutil.copy(place / "a.tif", place / "new.tif")
    (place / "sheets.csv").write_text("file;sheet\na.tif;S1\nb.tif;S1\n")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Defaults that train in seconds, for Python."""
    from copper_tf.training import free_ends

    few = {"crop": 48, "c": 4, "d": 1, "batch_size": 6}
    free = {"loss": "correlation", "learn": "iterative", "restarts": 1, "keep": "last"}
    monkeypatch.setitem(
        PRESETS, DEFAULT, {"classifier": {**few, "epochs": 2}, "segmenter": {**few, **free, "epochs": 3}}
    )
    monkeypatch.setattr(free_ends, "MIN_VARIANCE", 0.0)
    with eagerly():
        yield


def _run(command: str, place: Path) -> None:
    """Runs a command of ours; exit code 1 is a bad result, which small networks have."""
    words = words_of(command)
    if words[0] != "copper":
        pytest.fail(f"only `copper` is run here; say why not: {command}")
    added = next((flags for start, flags in _QUICK.items() if command.startswith(f"copper {start}")), "")
    expanded = [part for word in words[1:] for part in (_glob(word, place) if words[1] != "bulk" else [word])]
    assert main([*expanded, *added.split()]) in (0, 1), command


def _glob(word: str, place: Path) -> list[str]:
    """What a shell makes of a word."""
    return [str(path.relative_to(place)) for path in sorted(place.glob(word))] if "*" in word else [word]


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if any(not b.reason for b in blocks(p))], ids=lambda page: page.stem)
def test_commands_run(
    page: Path, workspace: Path, tmp_path: Path, quick: None, registries: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "work"
    shutil.copytree(workspace, place)
    # What a page makes isn't there before.
    for block in (block for block in blocks(page) if not block.reason):
        for target in re.findall(r"(?:-o|copper simulate) (\S+)|build\(\"FOLDER\", \"(\w+)\"", block.text):
            shutil.rmtree(place / "".join(target), ignore_errors=True)
    monkeypatch.chdir(place)
    for block in blocks(page):
        if block.reason:
            continue
        if block.language == "python":
            exec(compile(block.text, str(page), "exec"), {"__name__": "docs"})
        for command in block.commands:
            _run(command, place)

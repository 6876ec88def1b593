"""SEM folders with links that leave them, pipes, strange names and depths; by name, and thrown together at random."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.fuzz.judge import CANARY, CANARY_TEXT
from benchmarks.fuzz.seeds import png

__all__ = ["PATTERNS", "TRAPS", "outside", "random_folder", "sound_folder", "trap_folder"]

_PICTURE = png(8, 0)
NAMES = (
    "a\nb", "a\rb", "a\x1b[31mb", "\u2028", "🔥", "銅 75℃", "\udcff\udcfe", "a\tb", " ", "x" * 200, "..x",
    "-rf", "'\"", "%s{}", "\u202egnp", "a\\b", "C:", "t1\n", "#", "con", "\x7f", "e\u0301",
)  # fmt: skip
CLASSES = (
    "t0", "t3", "10h", "2.5h", "15分", "１２h", "0", "t1 2", "none", "²h", "①h", "½h", "1e5", "9" * 120,
    "-3h", "٣h", "t\n7", "\udcff8", "1_000h", "1h.", "t08", "8", "1h30min", "2時間半", "15分後",
    "−5min", "2²h", "3日目", "1,500h", "min30", "30minEtched", "2024-05-01", "20kV", "S1",
    "1个半小时", "30분", "３ヶ月", "truth", ".t5", "TRUTH", "1" * 60 + "w",
)  # fmt: skip
PATTERNS = (
    "", "", "(?P<sheet>.)", r"(?P<sheet>S\d+)_", "(?P<sheet>", "[[a](?P<sheet>.)", "(?P<sheet>x)?", "(",
    "a{99999999999}", "(?P<sheet>a)(?P<sheet>b)", "(" * 5000, "(?i)(?P<sheet>.)", ".(?i)(?P<sheet>.)", "(?P<sheet>.)\\",
    "(?P<1>.)", "\udcff",
    "(?P<sheet>(?<=a*)b)", "(?P<sheet>[a--b])", "(?P<sheet>[\\s\\S]+)", "a\nb", "(?P<sheet>a{1000000000})", "\0",
)  # fmt: skip


def outside(folder: Path) -> None:
    """What must never be read: pictures with a sidecar, a table and a class folder."""
    (folder / "9h").mkdir(parents=True)
    for file in ("canary.png", "canary.tif", "9h/canary.png"):
        Image.fromarray(CANARY).save(folder / file)
    (folder / "canary.txt").write_text(f"$CM_MAG 5\n$CM_SIGNAL {CANARY_TEXT}\n")
    (folder / "labels.csv").write_text(f"file,t,note\na/0.png,0,{CANARY_TEXT}\nb/1.png,1,{CANARY_TEXT}\n")


def sound_folder(root: Path) -> None:
    """Two class folders with two pictures each, one true mask."""
    for file in ("t0/0.png", "t0/1.png", "t3/2.png", "t3/3.png", "truth/t0/0.png"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(_PICTURE)


def _link(where: str, to: str, before: str = "") -> Callable[[Path], None]:
    def made(root: Path) -> None:
        if before:
            (root / before).unlink()
        (root / where).parent.mkdir(parents=True, exist_ok=True)
        (root / where).symlink_to(to)

    return made


def _linked_truth(root: Path) -> None:
    for file in (root / "truth" / "t0" / "0.png", root / "truth" / "t0", root / "truth"):
        file.rmdir() if file.is_dir() else file.unlink()
    (root / "truth").symlink_to("../outside/9h")


def _both(*makers: Callable[[Path], object]) -> Callable[[Path], None]:
    def made(root: Path) -> None:
        for maker in makers:
            maker(root)

    return made


def _pipe(where: str) -> Callable[[Path], None]:
    return lambda root: os.mkfifo(root / where)


def _deep(levels: int) -> Callable[[Path], None]:
    def made(root: Path) -> None:
        # Made from within, as the whole path may be longer than the system takes.
        handle = os.open(root / "t0", os.O_RDONLY)
        for _ in range(levels):
            os.mkdir("d", dir_fd=handle)
            below = os.open("d", os.O_RDONLY, dir_fd=handle)
            os.close(handle)
            handle = below
        os.close(os.open("x.png", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
        os.close(handle)

    return made


def _named(root: Path) -> None:
    for name in (name for name in NAMES if name.encode(errors="replace").decode() == name):
        (root / "t0" / f"{name}.png").write_bytes(_PICTURE[:40])


def _folder_named(name: str) -> Callable[[Path], None]:
    def made(root: Path) -> None:
        (root / name).mkdir()
        (root / name / "x.png").write_bytes(_PICTURE)

    return made


def _table(text: str, *links: tuple[str, str]) -> Callable[[Path], None]:
    def made(root: Path) -> None:
        (root / "labels.csv").write_text(text)
        for where, to in links:
            (root / where).symlink_to(to)

    return made


_LISTED = "file,t\nt0/0.png,0\n{},1\n"
_CANARY = "../../outside/canary.png"
TRAPS: dict[str, Callable[[Path], object]] = {
    "linked picture": _link("t0/link.png", _CANARY),
    "linked picture by an absolute path":
        lambda root: (root / "t0/x.png").symlink_to(root.parent / "outside/canary.png"),
    "linked picture by two links": _both(_link("t0/one.png", "two.png"), _link("t0/two.png", _CANARY)),
    "linked class folder": _link("9h", "../outside/9h"),
    "linked folder in a class folder": _link("t0/more", "../../outside/9h"),
    "linked true mask": _link("truth/t0/0.png", "../../../outside/canary.png", "truth/t0/0.png"),
    "linked truth folder": _linked_truth,
    "linked sidecar": _link("t0/0.txt", "../../outside/canary.txt"),
    "linked sidecar of the whole name": _link("t0/0.png.txt", "../../outside/canary.txt"),
    "linked labels.csv": _link("labels.csv", "../outside/labels.csv"),
    "listed picture that is a link": _table(_LISTED.format("t0/link.png"), ("t0/link.png", _CANARY)),
    "listed picture behind a linked folder": _table(_LISTED.format("9h/canary.png"), ("9h", "../outside/9h")),
    "link that is its own": _link("t0/link.png", "link.png"),
    "link to nothing": _link("t0/link.png", "gone.png"),
    "link to nothing outside": _link("t0/link.png", "../../gone.png"),
    "link to a device": _link("t0/link.png", "/dev/zero"),
    "link to a pipe": _both(_pipe("t0/pipe"), _link("t0/link.png", "pipe")),
    "link to the folder itself": _link("t0/more", "../../sem"),
    "link to a picture inside": _link("t0/link.png", "../t3/2.png"),
    "pipe for a picture": _pipe("t0/x.png"),
    "pipe for a true mask": _pipe("truth/t0/1.png"),
    "pipe for a sidecar": _pipe("t0/0.txt"),
    "pipe for labels.csv": _pipe("labels.csv"),
    "listed pipe": _both(_table(_LISTED.format("t0/x.png")), _pipe("t0/x.png")),
    "folder for a picture": _folder_named("t0/x.png"),
    "listed folder for a picture": _both(_table(_LISTED.format("t0/x.png")), lambda root: (root / "t0/x.png").mkdir()),
    "folder for labels.csv": _folder_named("labels.csv"),
    "folder for a sidecar": _folder_named("t0/0.txt"),
    "picture without permission": lambda root: (root / "t0/0.png").chmod(0),
    "empty picture": lambda root: (root / "t0/0.png").write_bytes(b""),
    "1,500 folders deep": _deep(1500),
    "3,000 folders deep": _deep(3000),
    "strange file names": _named,
    "file name that is no text": lambda root: (root / "t0/\udcff.png").write_bytes(_PICTURE),
    "folder name with a new line": _folder_named("t\n7\n8"),
    "folder name that is no text": _folder_named("\udcff7"),
    "folder name of 120 digits": _folder_named("9" * 120),
    "listed names with a new line": _table('file,t\n"t0/a\nb.png",0\n'),
}  # fmt: skip


def trap_folder(name: str, root: Path) -> None:
    """A sound folder with one trap."""
    sound_folder(root)
    TRAPS[name](root)


def _random_file(rng: np.random.Generator, path: Path) -> None:
    if os.path.lexists(path):  # two of one name: writing to a pipe would wait for ever
        return
    what = int(rng.integers(12))
    link = str(rng.choice([_CANARY, "../outside/canary.png", "x.png", "..", "../../outside", "/dev/null"]))
    if what == 0:
        path.symlink_to(link)
    elif what == 1:
        path.mkdir()
    elif what == 2:
        os.mkfifo(path)
    elif what == 3:
        path.write_bytes(_PICTURE[: int(rng.integers(len(_PICTURE)))])
    else:
        path.write_bytes(_PICTURE)


def random_folder(rng: np.random.Generator, root: Path) -> str:
    """Usual or strange class folders with strange files; gives the pattern for the sheets."""
    if rng.random() < 0.5:
        sound_folder(root)
    usual = rng.random() < 0.5
    for _ in range(int(rng.integers(1, 5))):
        folder = root / (f"t{rng.integers(9)}" if usual else CLASSES[int(rng.integers(len(CLASSES)))])
        if rng.random() < 0.3:
            folder = folder / CLASSES[int(rng.integers(len(CLASSES)))]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for _ in range(int(rng.integers(0, 4))):
                name = NAMES[int(rng.integers(len(NAMES)))] if rng.random() < 0.4 else str(rng.integers(9))
                ending = (".png", ".PNG", ".tif", ".txt", ".jpeg", "")[int(rng.choice([0, 0, 0, 1, 2, 3, 4, 5]))]
                _random_file(rng, folder / (name + ending))
        except OSError:  # it exists, or the system takes no such name
            continue
    if rng.random() < 0.05:
        TRAPS[list(TRAPS)[int(rng.integers(18))]](root) if (root / "truth/t0/0.png").is_file() else None
    return PATTERNS[int(rng.integers(len(PATTERNS)))]

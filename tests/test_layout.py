"""The house stays tidy: imports point downwards, rooms are small, the public face is sorted, starting is quick."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

SOURCES = sorted(
    p for top in ("copper_tf", "tfds_copper", "tuning", "tests", "benchmarks") for p in (ROOT / top).rglob("*.py")
)
PACKAGES = [p for p in SOURCES if p.relative_to(ROOT).parts[0] in ("copper_tf", "tfds_copper", "tuning")]


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> set[str]:
    """Modules of ours that a file imports at run time, inside functions too."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{name.name}" for name in node.names}
            found |= {i if (ROOT / i.replace(".", "/")).with_suffix(".py").is_file() else node.module for i in inner}
    return {
        name for name in found if name.split(".")[0] in ("copper_tf", "tfds_copper", "tuning", "benchmarks", "tests")
    }


def test_modules_that_are_imported_exist() -> None:
    # mypy takes an absent module for one of another package that has no types.
    modules = {_module(p) for p in SOURCES}
    absent = {f"{_module(p)} imports {target}" for p in SOURCES for target in _imports(p) - modules}
    assert not absent


def test_the_command_line_stands_on_the_api_alone() -> None:
    for path in (ROOT / "copper_tf" / "cli").glob("*.py"):
        others = {
            name
            for name in _imports(path)
            if not name.startswith(("copper_tf.cli", "copper_tf.api")) and name != "copper_tf"
        }
        assert not others, f"{path.name} imports {sorted(others)}"


def test_there_are_no_import_cycles() -> None:
    graph = {_module(p): _imports(p) for p in PACKAGES}
    done: set[str] = set()

    def visit(module: str, road: tuple[str, ...]) -> None:
        assert module not in road, " -> ".join((*road, module))
        if module not in done:
            for target in graph.get(module, ()):
                # Importing a sibling through the package's own __init__ is the package itself.
                if target != module:
                    visit(target, (*road, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", SOURCES, ids=_module)
def test_rooms_are_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 50, f"{node.name} is too long"


@pytest.mark.parametrize("path", PACKAGES, ids=_module)
def test_the_public_face_is_sorted_and_documented(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if not tree.body:
        return
    assert ast.get_docstring(tree), "a module says what it is for"
    if path.with_suffix(".pyi").is_file():
        return  # shown lazily, see below
    names = [ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and _is_all(n)]
    defined = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    if not names:
        assert not [n for n in defined if not n.startswith("_")], "public names are listed in __all__"
        return
    assert len(set(names[0])) == len(names[0])
    for name in set(names[0]) & set(defined):
        assert ast.get_docstring(defined[name]), f"{name} has a docstring"


@pytest.mark.parametrize("package", sorted(p.parent for p in (ROOT / "copper_tf").rglob("__init__.pyi")), ids=_module)
def test_lazy_packages_show_what_their_stub_names(package: Path) -> None:
    module = importlib.import_module(_module(package))
    assert module.__all__ == sorted(set(module.__all__)) and module.__all__
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert name in dir(module)


_POSIX_MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
_POSIX_NAMES = {
    "os": {"fork", "getuid", "killpg", "setsid", "sysconf", "uname", "wait4"},
    "signal": {"SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "alarm"},
}


def _posix_only(path: Path, inside: bool) -> set[str]:
    """What a file uses that Windows lacks: when it is imported, or inside functions as well."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not inside:
            return
        if isinstance(node, ast.Import):
            found.update({name.name.partition(".")[0] for name in node.names} & _POSIX_MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module} & _POSIX_MODULES)
            found.update({n.name for n in node.names} & _POSIX_NAMES.get(node.module, set()))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.update({node.attr} & _POSIX_NAMES.get(node.value.id, set()))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("path", [p for p in SOURCES if p.stem != "compat"], ids=_module)
def test_what_windows_lacks_is_used_in_compat_modules_alone(path: Path) -> None:
    """The packages use none of it at all; benchmarks and tests may, inside functions."""
    assert _posix_only(path, inside=path in PACKAGES) == set()


def test_what_windows_lacks_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    for text, at_once, ever in (
        ("import resource, os\n", {"resource"}, {"resource"}),
        ("from signal import SIGKILL\n", {"SIGKILL"}, {"SIGKILL"}),
        ("import os\nPAGE = os.sysconf('SC_PAGE_SIZE')\n", {"sysconf"}, {"sysconf"}),
        ("def f():\n    import fcntl\n    os.fork()\n", set(), {"fcntl", "fork"}),
        ("import os, signal\nsignal.SIGINT, os.getpid()\n", set(), set()),
    ):
        file.write_text(text)
        assert (_posix_only(file, inside=False), _posix_only(file, inside=True)) == (at_once, ever)


def _is_all(node: ast.Assign) -> bool:
    return any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)


@pytest.mark.parametrize(
    "module",
    [
        "copper_tf",
        "copper_tf.cli.main",
        "copper_tf.api.decisions",
        "copper_tf.config",
        "copper_tf.utils.drawing",
        "copper_tf.simulation",
        "tfds_copper",
    ],
)
def test_light_modules_leave_tensorflow_alone(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras', 'matplotlib')))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_help_shows_at_once_and_without_tensorflow() -> None:
    # The processor's time, which is the same whatever else the machine does.
    code = (
        "import sys, time; from copper_tf.cli.main import main; code = main(['--help']);"
        "print(time.process_time(), file=sys.stderr); sys.exit(code or 'tensorflow' in sys.modules)"
    )
    seconds = []
    for _ in range(3):
        shown = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
        seconds.append(float(shown.stderr.splitlines()[-1]))
    assert "simulate" in shown.stdout
    assert min(seconds) < 0.5


@pytest.mark.slow
def test_the_wheel_holds_all_that_is_needed(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    missing = {p.relative_to(ROOT).as_posix() for p in PACKAGES} - names
    assert {m for m in missing if not m.endswith("_test.py")} == set()
    for needed in ("README.md", "CITATIONS.bib", "TAGS.txt"):
        assert f"tfds_copper/copper_sem/{needed}" in names
    assert any(n.startswith("copper_tf/reports/") and n.endswith(".j2") for n in names)
    assert not [n for n in names if n.startswith(("tests/", "benchmarks/"))]
    place = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--target", place, wheel], check=True, capture_output=True
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from copper_tf.cli.main import main; sys.exit(main(['--help']))"
    )
    subprocess.run([sys.executable, "-I", "-c", code, str(place)], check=True, capture_output=True, cwd=tmp_path)

"""``copper``: one module a verb, imported only when it is called."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import time
import traceback
from collections.abc import Sequence

import click

import copper_tf
from copper_tf.api.system import DISK_FULL, interrupt_on_sigterm, is_disk_full, safe_children
from copper_tf.cli.output import SHOWN, output_options
from copper_tf.cli.verbs import VerbGroup

__all__ = ["COMMANDS", "cli", "main"]

# Verb -> what it does; the module of the same name in this folder (_ for -) holds its `command`.
COMMANDS = {
    "fit": "From a SEM folder to the report: check, build, train, judge, report, export.",
    "simulate": "Simulate a SEM folder whose truth is known.",
    "check": "Say what a SEM folder holds and what is wrong with it.",
    "build": "Convert a SEM folder into a dataset of sharded TFRecords.",
    "train": "Train a classifier or a segmenter into a run folder.",
    "evaluate": "Score a run on its own data and draw the page.",
    "trust": "Say whether the maps of a segmenter can be believed.",
    "baselines": "Run simpler methods on a run's own splits.",
    "compare": "Compare runs as graders of the same test pictures.",
    "hypotheses": "Compare hypotheses of the decay, or learn it, and name the law.",
    "search": "Search the architecture (n, N, c, d) within a memory limit.",
    "report": "Write all that is known of runs as one page, a PDF and a model card.",
    "predict": "Grade micrographs, or map their potency.",
    "bulk": "Predict very many micrographs by an export, restartable.",
    "view": "Look at micrographs and their potency maps in the browser.",
    "blindtest": "Let experts grade the test pictures blind, beside the model.",
    "calibrate": "Calibrate peel strength by the scores of sheets.",
    "compare-groups": "Compare groups of sheets, such as two baths, by their scores.",
    "gauge": "Gauge repeatability and reproducibility of scores.",
    "chart": "Chart a line over the days: has it drifted, or the microscope?",
    "export": "Write a run as a model for other programs.",
    "demo": "Walk the whole road on simulated pictures.",
}

BAD_INPUT = 2
# As EX_SOFTWARE of sysexits.h, so that no script takes a fault of ours for a bad result.
FAULT = 70
INTERRUPTED = 130


class _Verbs(VerbGroup):
    """A group that knows its verbs by name and imports one only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"copper_tf.cli.{name.replace('-', '_')}").command
        command.help = command.help or COMMANDS[name]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(copper_tf.__version__, prog_name="copper")
def cli() -> None:
    """Grade etched copper surfaces from SEM micrographs: which grade, where, and by what law they decay.

    DATA is a built dataset or a SEM folder (FOLDER/<class>/<picture>, one number in each class folder's name).
    MODEL is a run folder or an exported model. -o is always a folder. Every command shows examples with --help.

    Exit codes: 0 done; 1 done, but the result is bad (a folder is unsound, maps aren't supported, no ranking, an
    alarm); 2 misuse: a wrong option or input, or a place that can't be read or written; 3 some pictures couldn't be
    read, the others are done; 70 a fault of copper-tf itself; 130 stopped by Ctrl-C.
    """


cli.params.extend(output_options(gives=False))


def _reason(error: OSError) -> str:
    """One line for what the file system objects to."""
    place = f"{error.filename}: " if error.filename else ""
    hint = {
        errno.ENOSPC: DISK_FULL,
        errno.EROFS: "this place can only be read",
        errno.EACCES: "no permission",
        errno.ENOTDIR: "a file is in the way of a folder",
    }.get(errno.ENOSPC if is_disk_full(error) else error.errno or 0, error.strerror or type(error).__name__)
    return f"{place}a place with room that can be written, or a file that can be read, is needed. Received: {hint}"


def _missing_package(error: Exception) -> str:
    """The package that isn't installed, as on a PC that only predicts; empty where that isn't what is wrong."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return "" if name in ("copper_tf", "tfds_copper", "tuning") else name


def _trace() -> None:
    """Where an error comes from, if that is asked for."""
    if SHOWN.verbose:
        click.echo(traceback.format_exc(), err=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: of the command; those of this process by default.

    Returns:
        The exit code: 0 done, 1 a result is bad, 2 misuse, 3 some pictures couldn't be read, 70 a fault of copper-tf
        itself, 130 interrupted.
    """
    SHOWN.reset()
    # TensorFlow reads these when it is first imported, which happens inside the verbs.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        with interrupt_on_sigterm(), safe_children():
            return _run(arguments)
    finally:
        if SHOWN.verbose:
            click.echo(f"took {time.monotonic() - SHOWN.started:.1f} s", err=True)


def _unexpected(error: Exception) -> int:
    """What is left: a package that isn't there, a disk or memory that a library found full, or a fault of ours."""
    if missing := _missing_package(error):
        click.echo(f"copper: needs the package {missing}; install all of copper-tf. Received: no such", err=True)
        return BAD_INPUT
    if is_disk_full(error):
        click.echo(f"copper: {_reason(OSError(errno.ENOSPC, ''))}", err=True)
        return BAD_INPUT
    said = f"{type(error).__name__}: {error}".partition("\n")[0]
    # TensorFlow's own, which isn't imported here.
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        _trace()
        remedy = "a smaller --batch-size or --crop, or smaller pictures, need less"
        click.echo(f"copper: out of memory; {remedy}. Received: {said}", err=True)
        return BAD_INPUT
    click.echo(traceback.format_exc(), err=True)
    click.echo(f"copper: a fault of copper-tf; please report it with the lines above. Received: {said}", err=True)
    return FAULT


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = cli.main(None if arguments is None else list(arguments), prog_name="copper", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return BAD_INPUT
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "copper"
        click.echo(f"copper: {error.format_message()} (see `{command} --help`)", err=True)
    # Imported, with what it needs, only where something went wrong.
    except copper_tf.CopperError as error:
        _trace()
        click.echo(f"copper: {error}", err=True)
    except OSError as error:
        _trace()
        click.echo(f"copper: {_reason(error)}", err=True)
    except (KeyboardInterrupt, click.Abort):
        click.echo("copper: stopped; what was finished is kept", err=True)
        return INTERRUPTED
    except Exception as error:
        return _unexpected(error)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())

"""The names of TFDS that we replace are there, and do what we replace them for."""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import sys
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import logging as absl_logging
from tensorflow_datasets.core import file_adapters
from tensorflow_datasets.core import writer as tfds_writer
from tensorflow_datasets.core.utils import file_utils

from tfds_copper import compat
from tfds_copper.compat import PRIVATE_NAMES, QuietBuilderMixin, one_line_errors, quiet_logs, remove_unfinished
from tfds_copper.errors import OutputError


@pytest.mark.parametrize("name", PRIVATE_NAMES)
def test_tfds_still_calls_what_we_replace(name: str) -> None:
    ours = getattr(QuietBuilderMixin, name)
    theirs = getattr(tfds.core.GeneratorBasedBuilder, name)
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    callers = (m for c in tfds.core.GeneratorBasedBuilder.__mro__ for m in vars(c).values() if inspect.isfunction(m))
    assert any(name in method.__code__.co_names for method in callers), f"{name} is called by nothing"


def test_nothing_else_private_is_replaced() -> None:
    assert {n for n in vars(QuietBuilderMixin) if n.startswith("_") and not n.startswith("__")} == set(PRIVATE_NAMES)


def test_the_writer_of_examples_takes_what_it_took(tmp_path: Path) -> None:
    assert list(inspect.signature(tfds_writer.ExampleWriter.write).parameters) == ["self", "path", "examples"]
    feature = {name: tf.train.Feature(int64_list=tf.train.Int64List(value=[k])) for k, name in enumerate("zyxwvutsrq")}
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    writer = compat._DeterministicWriter(file_adapters.FileFormat.TFRECORD)
    writer.write(tmp_path / "shard", [(0, example.SerializeToString())])
    (record,) = tf.data.TFRecordDataset(str(tmp_path / "shard")).as_numpy_iterator()
    assert record == example.SerializeToString(deterministic=True)


def test_unfinished_builds_are_named_as_we_look_for_them(tmp_path: Path) -> None:
    final, other = tmp_path / "1.0.0", tmp_path / "incomplete.ABC_2.0.0"
    with pytest.raises(KeyboardInterrupt), file_utils.incomplete_dir(final) as unfinished:
        Path(unfinished, "shard").write_text("")
        kept = Path(unfinished)
        raise KeyboardInterrupt
    # TFDS removes it itself unless it is killed.
    for path in (kept, other):
        path.mkdir(exist_ok=True)
    remove_unfinished(final)
    assert not kept.exists() and other.is_dir()


def test_logs_are_quiet_only_for_the_time() -> None:
    usage, verbosity = logging.getLogger(compat.USAGE_LOGGER), absl_logging.get_verbosity()
    level = usage.level
    with pytest.raises(ValueError, match="ended"), quiet_logs():
        assert absl_logging.get_verbosity() == absl_logging.ERROR and usage.level == logging.ERROR
        raise ValueError("ended")
    assert (absl_logging.get_verbosity(), usage.level) == (verbosity, level)
    assert tfds.__name__ == compat.USAGE_LOGGER


def test_the_program_of_tfds_is_where_we_look_for_it() -> None:
    (program,) = importlib.metadata.entry_points(group="console_scripts", name="tfds")
    assert program.module == compat.COMMAND_LINE


def test_only_the_program_of_tfds_shows_our_errors_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[BaseException] = []
    usual = lambda kind, error, trace: told.append(error)  # noqa: E731
    monkeypatch.setattr(sys, "excepthook", usual)
    monkeypatch.delitem(sys.modules, compat.COMMAND_LINE, raising=False)
    one_line_errors()
    assert sys.excepthook is usual
    monkeypatch.setitem(sys.modules, compat.COMMAND_LINE, compat)
    for _ in range(2):
        one_line_errors()
    slip = RuntimeError("a slip of ours")
    for error in (OutputError("DIR: must be empty. Received: a file"), slip):
        sys.excepthook(type(error), error, None)
    assert capsys.readouterr().err == "tfds: DIR: must be empty. Received: a file\n" and told == [slip]

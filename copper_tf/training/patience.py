"""Which settings go with stopping early."""

from __future__ import annotations

from copper_tf.config import Config
from tfds_copper.errors import SettingError

__all__ = ["check_patience"]


def check_patience(config: Config) -> None:
    """Whether a training that stops early keeps the weights that it stopped for.

    Args:
        config: of a run.

    Raises:
        SettingError: if it would keep those of the last epoch.
    """
    training = config.training
    if training.patience and training.keep == "last":
        raise SettingError(
            f"keep must be best where patience is over 0: training stops some epochs after the best. "
            f"Received: keep = last, patience = {training.patience}"
        )

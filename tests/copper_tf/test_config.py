"""One definition of every setting."""

from __future__ import annotations

import json
from typing import Any

import pytest

from copper_tf.config import GROUPS, KINDS, PAPER, Config, default_config, unread_settings
from copper_tf.models.architecture import network_of
from tfds_copper.errors import SettingError
from tfds_copper.settings import setting_fields


def test_names_are_unique_over_all_groups() -> None:
    names = [f.name for group in GROUPS.values() for f in setting_fields(group)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("kind", KINDS)
def test_json_goes_there_and_back(kind: str) -> None:
    config = default_config(kind, d=3, learning_rate=0.002)
    assert Config.from_dict(json.loads(config.to_json())) == config
    assert config.flat()["d"] == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"d": 0}, r"d must be a whole number from 1 to 8. Received: 0"),
        ({"d": 2.5}, r"d must be a whole number from 1 to 8. Received: 2.5"),
        ({"padding": "valid"}, r"padding must be one of reflect, zero. Received: 'valid'"),
        ({"learning_rate": float("nan")}, r"learning_rate must be a number .* Received: nan"),
        ({"window": 30}, r"window must be an odd number of px. Received: 30"),
        ({"depth": 3}, r"unknown setting; known are crop, .* Received: depth"),
        ({"margin": 4}, r"margin is for the segmenter.* Received: 4"),
        ({"loss": "kl"}, r"loss is for the segmenter alone; for a classifier leave it out. Received: kl"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        default_config("classifier", **settings)


def test_what_a_kind_does_not_read_is_a_setting_of_it() -> None:
    for kind in KINDS:
        names = unread_settings(kind)
        assert len(set(names)) == len(names) and set(names) <= set(default_config(kind).flat())


def test_unknown_kind_and_group() -> None:
    with pytest.raises(SettingError, match="kind must be one of classifier, segmenter. Received: 'detector'"):
        default_config("detector")
    with pytest.raises(SettingError, match="groups are kind, data, model, training"):
        Config.from_dict({"kind": "classifier", "modell": {}})


def test_what_normalisation_looks_at_is_told_beside_the_receptive_field() -> None:
    local = default_config("segmenter", PAPER, normalisation="local", window=21)
    assert network_of(local).receptive_field == network_of(default_config("segmenter", PAPER)).receptive_field == 36
    assert local.normalised_over == "a window of 21 px around each pixel"
    assert default_config("segmenter", normalisation="picture").normalised_over == "its whole picture"


def test_the_paper_is_a_preset_and_the_default_supposes_no_law() -> None:
    both = {
        "epochs": 200, "learning_rate": 0.001, "schedule": "constant", "keep": "best", "normalisation": "dataset",
        "restarts": 0, "loss": "squared", "learn": "fixed", "hypothesis": "linear", "batch_size": 8,
    }  # fmt: skip
    for kind, own in {
        "segmenter": {"c": 16, "d": 2, "margin": 20},
        "classifier": {"c": 32, "d": 4, "head": "softmax"},
    }.items():
        paper = default_config(kind, PAPER).flat()
        for name, value in (both | own).items():
            assert paper[name] == value, (kind, name)
    usual = default_config("segmenter").training
    assert (usual.loss, usual.learn, usual.epochs) == ("correlation", "iterative", 0) and usual.restarts
    with pytest.raises(SettingError, match="preset must be one of default, paper. Received: 'best'"):
        default_config("segmenter", "best")


@pytest.mark.parametrize(
    ("pictures", "settings", "epochs", "tried"),
    [
        (200, {}, 120, 10), (7999, {}, 4, 1), (10**6, {}, 2, 1), (200, {"crops": 4}, 30, 3), (200, {"epochs": 3}, 3, 1),
        (200, {"epochs": 30, "restart_epochs": 5}, 30, 5), (200, {"epochs": 24}, 24, 6),
        (20_000, {"learn": "fixed", "restart_epochs": 30}, 2, 1),
    ],
)  # fmt: skip
def test_open_epochs_follow_the_number_of_pictures(
    pictures: int, settings: dict[str, Any], epochs: int, tried: int
) -> None:
    config = default_config("segmenter", **settings).for_pictures(pictures)
    assert (config.training.epochs, config.training.restart_epochs) == (epochs, tried)
    assert config.for_pictures(17) == config
    if set(settings) <= {"crops", "epochs"}:
        assert default_config("classifier", **settings).for_pictures(pictures).training.epochs == epochs


@pytest.mark.parametrize(
    ("settings", "most"), [({"epochs": 100}, 80), ({"epochs": 100, "learn": "fixed"}, 100), ({"epochs": 0}, 96)]
)
def test_after_the_tries_there_are_epochs_in_which_g_is_learned(settings: dict[str, Any], most: int) -> None:
    fits = default_config("segmenter", restart_epochs=most - 1, **settings).for_pictures(200)
    assert fits.training.restart_epochs == most - 1
    with pytest.raises(SettingError, match=f"restart_epochs must be under {most} where restarts .* Received: {most}"):
        default_config("segmenter", restart_epochs=most, **settings).for_pictures(200)


def test_grey_values_and_steps_are_alike_for_both_kinds() -> None:
    classifier, segmenter = (default_config(kind).flat() for kind in KINDS)
    alike = ("normalisation", "window", "gain", "offset", "epochs", "learning_rate", "schedule", "keep")
    assert [name for name in alike if classifier[name] != segmenter[name]] == []
    chosen = {"normalisation": "local", "schedule": "cosine", "epochs": 0, "head": "coral"}
    assert {name: classifier[name] for name in chosen} == chosen


def test_one_epoch_has_no_room_for_a_try() -> None:
    with pytest.raises(SettingError, match="epochs must be at least 2, or 0, where restarts are allowed. Received: 1"):
        default_config("segmenter", epochs=1)
    assert default_config("segmenter", epochs=1, restarts=0).for_pictures(5).training.epochs == 1

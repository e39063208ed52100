"""The state of other libraries' batch norms: translated, it gives their outputs in eval."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from elsewhere import trained
from elsewhere.trained import evaluated
from microbn import Tensor, nn
from microbn.elsewhere import CONVENTIONS, state
from microbn.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(0)
GAMMA, BETA, MEAN, VAR = (RNG.uniform(0.5, 2, 3).astype(np.float32) for _ in range(4))
X = RNG.normal(size=(5, 3)).astype(np.float32)
OURS = {"gamma": GAMMA, "beta": BETA, "running_mean": MEAN, "running_var": VAR}

# One layer of each library, as it keeps its arrays, and the batches it has counted.
KEPT = {
    "pytorch": (
        {
            **{"weight": GAMMA, "bias": BETA, "running_mean": MEAN, "running_var": VAR},
            "num_batches_tracked": np.array(7),
        },
        7,
    ),
    "keras": ({"gamma": GAMMA, "beta": BETA, "moving_mean": MEAN, "moving_variance": VAR}, 0),
    "flax": (
        {
            "params": {"scale": GAMMA, "bias": BETA},
            "batch_stats": {"mean": MEAN, "var": VAR},
        },
        0,
    ),
    "haiku": (
        {
            **{"scale": GAMMA[None], "offset": BETA[None]},
            "~/mean_ema": {"average": MEAN[None], "hidden": 0.19 * MEAN[None], "counter": 2},
            "~/var_ema": {"average": VAR[None], "hidden": 0.19 * VAR[None], "counter": 2},
        },
        2,
    ),
    "equinox": (
        {
            **{"weight": GAMMA, "bias": BETA, "batch_counter": 2},
            "batch_state_index": ((1 - 0.99**2) * MEAN, (1 - 0.99**2) * VAR),
        },
        2,
    ),
    "mlx": ({"weight": GAMMA, "bias": BETA, "running_mean": MEAN, "running_var": VAR}, 0),
    "paddle": ({"weight": GAMMA, "bias": BETA, "_mean": MEAN, "_variance": VAR}, 0),
    "onnx": ({"scale": GAMMA, "B": BETA, "input_mean": MEAN, "input_var": VAR}, 0),
    "mindspore": ({"gamma": GAMMA, "beta": BETA, "moving_mean": MEAN, "moving_variance": VAR}, 0),
    "tinygrad": ({"weight": GAMMA, "bias": BETA, "running_mean": MEAN, "running_var": VAR}, 0),
}


@pytest.mark.parametrize("library", CONVENTIONS)
def test_names_and_shapes_are_translated(library):
    arrays, batches = KEPT[library]
    found = state(library, arrays)
    assert [*found] == [*OURS, "num_batches_tracked"]
    for name, right in OURS.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], right, rtol=1e-6)
    assert found["num_batches_tracked"] == batches
    y = evaluated(library, arrays, X)
    eps = CONVENTIONS[library].eps
    assert np.max(np.abs(y - (GAMMA * (X - MEAN) / np.sqrt(VAR + eps) + BETA))) < 1e-6


def test_mindspore_calls_its_statistics_in_two_ways():
    arrays = {"gamma": GAMMA, "beta": BETA, "mean": MEAN, "variance": VAR}
    found, right = (state("mindspore", each) for each in (arrays, KEPT["mindspore"][0]))
    assert {name: x.tolist() for name, x in found.items()} == {
        n: x.tolist() for n, x in right.items()
    }


def test_an_array_in_anothers_place_would_be_seen():
    arrays = {**KEPT["keras"][0], "moving_mean": VAR, "moving_variance": MEAN}
    right = GAMMA * (X - MEAN) / np.sqrt(VAR + 1e-3) + BETA
    assert np.max(np.abs(evaluated("keras", arrays, X) - right)) > 1e-2


def test_a_translated_state_is_a_copy():
    mean = MEAN.copy()
    found = state("keras", {**KEPT["keras"][0], "moving_mean": mean})
    mean[:] = 0
    assert np.array_equal(found["running_mean"], MEAN)


def test_several_layers_keep_their_prefixes():
    net = nn.Sequential(nn.BatchNorm(3), nn.BatchNorm(3))
    arrays = {
        "params": {f"layers/{i}": {"scale": GAMMA + i, "bias": BETA} for i in range(2)},
        "batch_stats": {f"layers/{i}": {"mean": MEAN, "var": VAR} for i in range(2)},
    }
    net.load_state_dict(state("flax", arrays))
    assert np.array_equal(net.layers[1].gamma.data, (GAMMA + 1).astype(float))


def test_layers_without_gamma_or_beta():
    statistics = {"moving_mean": MEAN, "moving_variance": VAR}
    nn.BatchNorm(3, affine=False).load_state_dict(state("keras", statistics))
    nn.BatchNorm(3, bias=False).load_state_dict(state("keras", {**statistics, "gamma": GAMMA}))
    found = state("keras", {**statistics, "beta": BETA})
    assert np.array_equal(found["gamma"], np.ones(3))


def test_settings_are_taken_in_the_librarys_own_sense():
    assert CONVENTIONS["keras"].options() == {"eps": 1e-3, "momentum": 0.01}
    assert CONVENTIONS["flax"].options(momentum=0.9, eps=1e-4) == {"eps": 1e-4, "momentum": 0.1}
    assert CONVENTIONS["pytorch"].options(momentum=None) == {"eps": 1e-5, "momentum": None}
    with pytest.raises(ArgumentError, match="no default; give momentum"):
        CONVENTIONS["haiku"].options()
    with pytest.raises(ArgumentError, match="takes eps and momentum, got 'decay'"):
        CONVENTIONS["haiku"].options(decay=0.9)


@pytest.mark.parametrize(
    ("library", "change", "error", "said"),
    [
        ("keras", {"moving_var": VAR}, ArgumentError, "'moving_var' is unknown; a batch norm of k"),
        ("torch", {}, ArgumentError, "knows pytorch, keras, .*, got 'torch'"),
        ("keras", {"beta": BETA[:2]}, ShapeError, r"each feature, got .*beta \(2,\)"),
        ("keras", {"beta": np.ones((3, 3))}, ShapeError, r"beta \(3, 3\)"),
        ("keras", {"beta": BETA.astype(complex)}, DTypeError, "beta must hold numbers, got comp"),
        ("keras", {"bn/gamma": GAMMA}, ArgumentError, "'bn.moving_mean' is missing; .*moving_var"),
        ("keras", {"/gamma": GAMMA}, ArgumentError, "two arrays for 'gamma', one of them '/gamma'"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_librarys_names(library, change, error, said):
    with pytest.raises(error, match=said):
        state(library, {**KEPT["keras"][0], **change})


def test_anything_but_a_dict_is_refused():
    with pytest.raises(DTypeError, match="needs a dict of arrays by name, got list"):
        state("keras", [GAMMA])
    with pytest.raises(ArgumentError, match="'moving_mean' is missing; a batch norm of keras has"):
        state("keras", {})


@pytest.mark.parametrize("library", CONVENTIONS)
def test_the_state_goes_to_disk_and_back(library, tmp_path):
    numpy = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    found = state(library, KEPT[library][0])
    numpy.save_file(found, tmp_path / "norm.safetensors")
    layer = nn.BatchNorm(3, dtype=np.float32)
    layer.load_state_dict(numpy.load_file(tmp_path / "norm.safetensors"))
    assert {name: (x.dtype, x.tolist()) for name, x in layer.state_dict().items()} == {
        name: (x.dtype, x.tolist()) for name, x in found.items()
    }


# %% The libraries themselves: those that are installed train a layer, and evaluate it.
PACKAGES = {
    **{"pytorch": "torch", "keras": "keras", "flax": "flax", "haiku": "haiku", "mlx": "mlx"},
    **{"equinox_ema": "equinox", "equinox_batch": "equinox", "paddle": "paddle"},
    **{"mindspore": "mindspore", "tinygrad": "tinygrad"},
    **{"onnx_reference": "onnx", "onnx_runtime": "onnxruntime"},
}


NNX = """
from flax import nnx
layer = nnx.BatchNorm(3, momentum=0.7, rngs=nnx.Rngs(0))
for batch in trained.BATCHES:
    layer(batch)
layer.eval()
arrays = trained.sent(nnx.to_pure_dict(nnx.state(layer)))
found = {"arrays": arrays, "y": np.asarray(layer(trained.X)).tolist()}
"""


def trained_elsewhere(code):
    """Return what code finds, in a process of its own: JAX wants no fork in the same process."""
    start = "import json, numpy as np\nfrom elsewhere import norms, operators, trained\n"
    script = f"{start}{code}\nprint(json.dumps(found))"
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("adapter", PACKAGES)
def test_a_trained_layer_gives_the_same_in_eval(adapter):
    needed = [PACKAGES[adapter], *["torch"] * (adapter == "keras")]
    if absent := [package for package in needed if find_spec(package) is None]:
        pytest.skip(f"{absent[0]} is not installed: {adapter}'s state is unchecked")
    room = "operators" if adapter.startswith("onnx") else "norms"
    found = trained_elsewhere(f"found = trained.trained({room}.{adapter})")
    assert trained.apart(adapter, found) < 1e-6


def test_a_trained_layer_of_flax_nnx_gives_the_same_in_eval():
    if find_spec("flax") is None:
        pytest.skip("Flax is not installed: its state is unchecked")
    assert trained.apart("flax", trained_elsewhere(NNX)) < 1e-6


def test_a_layer_goes_on_training_from_a_loaded_state():
    layer = nn.BatchNorm(3, **CONVENTIONS["keras"].options())
    layer.load_state_dict(state("keras", KEPT["keras"][0]))
    layer(Tensor(trained.BATCHES[0].astype(float)))
    right = 0.99 * MEAN + 0.01 * trained.BATCHES[0].mean(axis=0)
    np.testing.assert_allclose(layer.running_mean, right, rtol=1e-6)

"""The state of other libraries' batch norms: translated, it gives their outputs in eval."""

from importlib.util import find_spec

import numpy as np
import pytest

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


def evaluated(library, arrays, x, **settings):
    """Return what a layer with another library's arrays gives in eval."""
    options = CONVENTIONS[library].options(**settings)
    layer = nn.BatchNorm(x.shape[1], dtype=np.float32, **options)
    layer.load_state_dict(state(library, arrays))
    return layer.eval()(x).data


@pytest.mark.parametrize("library", CONVENTIONS)
def test_names_and_shapes_are_translated(library):
    arrays, batches = KEPT[library]
    found = state(library, arrays)
    assert [*found] == [*OURS, "num_batches_tracked"]
    for name, right in OURS.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], right, rtol=1e-6)
    assert found["num_batches_tracked"] == batches
    settings = {"momentum": 0.9} if library == "haiku" else {}
    y = evaluated(library, arrays, X, **settings)
    eps = CONVENTIONS[library].eps
    assert np.max(np.abs(y - (GAMMA * (X - MEAN) / np.sqrt(VAR + eps) + BETA))) < 1e-6


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


def test_the_state_goes_to_disk_and_back(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    numpy.save_file(state("haiku", KEPT["haiku"][0]), tmp_path / "norm.safetensors")
    layer = nn.BatchNorm(3, dtype=np.float32)
    layer.load_state_dict(numpy.load_file(tmp_path / "norm.safetensors"))
    assert np.array_equal(layer.running_var, VAR)
    assert layer.num_batches_tracked == 2


# %% The libraries themselves: each trains a layer on BATCHES, keeps its arrays, and evaluates X.
BATCHES = [3 * RNG.normal(size=(6, 3)).astype(np.float32) + 1 for _ in range(4)]


def pytorch():
    import torch

    layer = torch.nn.BatchNorm1d(3, momentum=0.3)
    for batch in BATCHES:
        layer(torch.tensor(batch))
    return layer.state_dict(), layer.eval()(torch.tensor(X)).detach()


def keras():
    import keras

    layer = keras.layers.BatchNormalization(momentum=0.7)
    for batch in BATCHES:
        layer(batch, training=True)
    arrays = {v.path: keras.ops.convert_to_numpy(v) for v in layer.variables}
    arrays = {path.split("/")[-1]: array for path, array in arrays.items()}
    return arrays, keras.ops.convert_to_numpy(layer(X))


def flax():
    import jax
    from flax import linen

    layer = linen.BatchNorm(momentum=0.7)
    variables = layer.init(jax.random.key(0), X, use_running_average=True)
    for batch in BATCHES:
        _, moved = layer.apply(variables, batch, use_running_average=False, mutable="batch_stats")
        variables = variables | moved
    return variables, layer.apply(variables, X, use_running_average=True)


def flax_nnx():
    from flax import nnx

    layer = nnx.BatchNorm(3, momentum=0.7, rngs=nnx.Rngs(0))
    for batch in BATCHES:
        layer(batch)
    layer.eval()
    return nnx.to_pure_dict(nnx.state(layer)), layer(X)


def haiku():
    import haiku as hk
    import jax

    net = hk.transform_with_state(lambda x, t: hk.BatchNorm(True, True, 0.7)(x, t))
    parameters, moved = net.init(jax.random.key(0), X, True)
    for batch in BATCHES:
        _, moved = net.apply(parameters, moved, None, batch, True)
    arrays = moved | parameters
    arrays = {path.removeprefix("batch_norm").strip("/"): part for path, part in arrays.items()}
    return arrays.pop("") | arrays, net.apply(parameters, moved, None, X, False)[0]


def equinox(mode="ema"):
    import equinox as eqx
    import jax

    norm = eqx.nn.BatchNorm
    layer, moved = eqx.nn.make_with_state(norm)(3, axis_name="N", mode=mode)

    def of(x, moved, inference):
        return jax.vmap(
            lambda x: layer(x, moved, inference=inference), axis_name="N", out_axes=(0, None)
        )(x)

    for batch in BATCHES:
        _, moved = of(batch, moved, False)
    arrays = {"weight": layer.weight, "bias": layer.bias}
    for name in ("ema_state_index", "batch_state_index", "batch_counter"):
        if (index := getattr(layer, name)) is not None:
            arrays[name] = moved.get(index)
    return arrays, of(X, moved, True)[0]


def equinox_batch():
    return equinox("batch")


def mlx():
    import mlx.core as mx
    import mlx.nn

    layer = mlx.nn.BatchNorm(3, momentum=0.3)
    for batch in BATCHES:
        layer(mx.array(batch))
    return layer.parameters(), layer.eval()(mx.array(X))


def paddle():
    import paddle

    layer = paddle.nn.BatchNorm1D(3, momentum=0.7)
    for batch in BATCHES:
        layer(paddle.to_tensor(batch))
    layer.eval()
    arrays = {name: part.numpy() for name, part in layer.state_dict().items()}
    return arrays, layer(paddle.to_tensor(X)).numpy()


def onnx():
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    names = ["scale", "B", "input_mean", "input_var"]
    given = dict(zip(names, OURS.values(), strict=True))
    node = helper.make_node("BatchNormalization", ["X", *names], ["y"])
    infos = [
        helper.make_tensor_value_info(name, 1, array.shape)
        for name, array in {"X": X, **given}.items()
    ]
    outputs = [helper.make_tensor_value_info("y", 1, None)]
    model = helper.make_model(
        helper.make_graph([node], "batch_norm", infos, outputs),
        opset_imports=[helper.make_opsetid("", 15)],
    )
    return given, ReferenceEvaluator(model).run(None, {"X": X, **given})[0]


PACKAGES = {
    **{pytorch: "torch", keras: "keras", flax: "flax", flax_nnx: "flax", haiku: "haiku"},
    **{equinox: "equinox", equinox_batch: "equinox", mlx: "mlx", paddle: "paddle", onnx: "onnx"},
}


@pytest.mark.parametrize("run", PACKAGES, ids=lambda run: run.__name__)
@pytest.mark.filterwarnings("ignore")  # the libraries' own
def test_a_trained_layer_gives_the_same_in_eval(run):
    if find_spec(PACKAGES[run]) is None:
        pytest.skip(f"{PACKAGES[run]} is not installed: its state is unchecked")
    arrays, right = run()
    library = run.__name__.split("_")[0]
    settings = {"momentum": 0.9} if library == "haiku" else {}
    y = evaluated(library, arrays, X, **settings)
    assert np.max(np.abs(y - np.asarray(right))) < 1e-6


def test_a_layer_goes_on_training_from_a_loaded_state():
    layer = nn.BatchNorm(3, **CONVENTIONS["keras"].options())
    layer.load_state_dict(state("keras", KEPT["keras"][0]))
    layer(Tensor(BATCHES[0].astype(float)))
    right = 0.99 * MEAN + 0.01 * BATCHES[0].mean(axis=0)
    np.testing.assert_allclose(layer.running_mean, right, rtol=1e-6)

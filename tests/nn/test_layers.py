"""Layers: Linear, those for images, the activations, Dropout and Sequential."""

import re

import numpy as np
import pytest

from microbn import Tensor, compile, errors, functional, grad, nn
from microbn.testing import assert_gradients

RNG = np.random.default_rng(0)


@pytest.mark.bits
def test_linear_is_a_product_and_a_bias():
    layer = nn.Linear(4, 3, rng=0)
    layer.bias.data = [1.0, 2.0, 3.0]
    x = RNG.normal(size=(5, 4))
    assert np.array_equal(layer(x).data, x @ layer.weight.data + layer.bias.data)
    assert nn.Linear(4, 3, rng=0, bias=False).bias is None
    deep = np.stack([x, 2 * x])
    assert np.allclose(layer(deep).data, deep @ layer.weight.data + layer.bias.data)


@pytest.mark.parametrize(("init", "variance"), [(nn.he, 2 / 400), (nn.xavier, 2 / 1000)])
def test_initial_weights_have_mean_zero_and_the_promised_variance(init, variance):
    weight = nn.Linear(400, 600, rng=0, init=init).weight.data
    assert abs(weight.mean()) < 5 * np.sqrt(variance / weight.size)
    assert weight.var() == pytest.approx(variance, rel=0.02)


def test_he_draws_the_weights_unless_another_function_is_given():
    expected = nn.he(np.random.default_rng(0), 4, 3)
    assert np.array_equal(nn.Linear(4, 3, rng=0).weight.data, expected)


def test_same_seed_gives_the_same_weights():
    one, other = nn.Linear(4, 3, rng=5), nn.Linear(4, 3, rng=np.random.default_rng(5))
    assert np.array_equal(one.weight.data, other.weight.data)


@pytest.mark.bits
def test_conv2d_is_the_function_of_its_weight_and_bias():
    layer, x = nn.Conv2d(2, 3, 2, 2, 1, rng=0), RNG.normal(size=(4, 2, 5, 5))
    layer.bias.data = [1.0, 2.0, 3.0]
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert (layer.weight.shape, layer.bias.shape) == ((3, 2, 2, 2), (3,))
    y = functional.conv2d(x, layer.weight.data, layer.bias.data, 2, 1)
    assert np.array_equal(layer(x).data, y)
    plain = nn.Conv2d(2, 3, 2, rng=0, bias=False)
    assert list(plain.state_dict()) == ["weight"]
    assert np.array_equal(plain(x).data, functional.conv2d(x, layer.weight.data))


def test_filters_are_drawn_with_the_variance_of_their_fan_in():
    weight = nn.Conv2d(16, 100, 5, rng=0).weight.data
    assert abs(weight.mean()) < 5 * np.sqrt(2 / 400 / weight.size)
    assert weight.var() == pytest.approx(2 / 400, rel=0.03)
    drawn = nn.he(np.random.default_rng(0), 2 * 3 * 3, 4)
    layer = nn.Conv2d(2, 4, 3, rng=0, dtype=np.float32)
    assert np.array_equal(layer.weight.data, drawn.T.reshape(4, 2, 3, 3).astype(np.float32))
    assert {p.dtype for p in layer.parameters()} == {np.dtype(np.float32)}


def test_pooling_layers_are_their_functions_side_by_side_unless_told():
    x = RNG.normal(size=(2, 3, 5, 6))
    for layer, pool in (
        (nn.MaxPool2d, functional.max_pool2d),
        (nn.AvgPool2d, functional.avg_pool2d),
    ):
        assert np.array_equal(layer(2)(x), pool(x, 2, 2))
        assert np.array_equal(layer(3, 1)(x), pool(x, 3, 1))


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 2, 3, 5), (0, 2, 3), (4,), (4, 2)])
def test_flatten_keeps_the_samples_and_puts_the_rest_in_a_row(shape):
    x = RNG.normal(size=shape)
    assert np.array_equal(nn.Flatten()(x), x.reshape(shape[0], int(np.prod(shape[1:]))))


def test_a_convolutional_net_passes_the_check_of_its_gradients():
    layers = [nn.Conv2d(1, 2, 2, rng=0), nn.BatchNorm(2), nn.Tanh(), nn.MaxPool2d(2)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(8, 2, rng=1))
    assert_gradients(model, RNG.normal(size=(3, 1, 5, 5)), order=2)


@pytest.mark.bits
def test_activations_are_their_functions():
    x = np.array([-1.0, 0.5])
    assert nn.ReLU()(x).tolist() == [0, 0.5]
    assert np.array_equal(nn.Tanh()(x), np.tanh(x))
    assert nn.Sigmoid()(np.zeros(1)).tolist() == [0.5]


def keeps_the_mean(dropout):
    y = dropout(np.ones(100_000))
    assert np.mean(y == 0) == pytest.approx(0.2, abs=0.01)
    assert y.mean() == pytest.approx(1, abs=0.01)


def test_dropout_keeps_the_mean():
    layer = nn.Dropout(0.2, rng=0)
    keeps_the_mean(layer)
    with pytest.raises(AssertionError):
        keeps_the_mean(lambda x: 0.8 * layer(x))  # not divided by 1 - p


@pytest.mark.bits
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_of_dropout_is_its_mask(dtype):
    x, dy = Tensor(RNG.normal(size=(6, 4)), dtype=dtype), RNG.normal(size=(6, 4)).astype(dtype)
    y = nn.Dropout(0.5, rng=0)(x)
    dx = grad(y, x, dy)
    assert (y.dtype, dx.dtype) == (dtype, dtype)
    assert np.array_equal(dx, dy * (y.data != 0) * 2)
    assert set((y.data / x.data).flat) == {0, 2}


def test_dropout_passes_the_check_of_its_gradient():
    assert_gradients(lambda x: nn.Dropout(0.4, rng=0)(x) ** 2, RNG.normal(size=(4, 3)), order=2)


def test_dropout_in_eval_is_the_identity():
    x = Tensor(RNG.normal(size=(6, 4)))
    assert nn.Dropout(0.5, rng=0).eval()(x) is x


@pytest.mark.bits
def test_the_same_seed_drops_the_same_entries_and_every_call_others():
    x = np.ones((8, 8))
    one, other = nn.Dropout(0.5, rng=3), nn.Dropout(0.5, rng=np.random.default_rng(3))
    first, second = one(x), one(x)
    assert np.array_equal(first, other(x))
    assert not np.array_equal(first, second)


@pytest.mark.bits
def test_dropout_is_compiled_only_in_eval():
    layer, x = nn.Dropout(0.5, rng=0), RNG.normal(size=(6, 4))
    with pytest.raises(
        errors.GraphError,
        match="the same entries in every run of the program",
    ):
        compile(lambda x: layer(np.tanh(x)), x, gradients=False)
    layer.eval()
    program = compile(lambda x: layer(np.tanh(x)), x, gradients=False)
    assert np.array_equal(program(x), np.tanh(x))


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (lambda: nn.Linear(2.5, 3, rng=0), errors.ArgumentError, "in_features must be a positive"),
        (lambda: nn.Linear(4, 3, rng=0)(np.ones((5, 3))), errors.ShapeError, "4 features"),
        (
            lambda: nn.Linear(4, 3, rng=0, init=lambda rng, i, o: np.ones((o, i))),
            errors.ShapeError,
            r"init gave weights of shape \(3, 4\), expected \(4, 3\)",
        ),
        (
            lambda: nn.Linear(3, 4, rng=0, init=lambda rng, i, o: np.ones((o, i))),
            errors.ShapeError,
            r"init gave weights of shape \(4, 3\), expected \(3, 4\)",
        ),
        (lambda: nn.Conv2d(1, 2.5, 3, rng=0), errors.ArgumentError, "out_channels must be a pos"),
        (lambda: nn.Conv2d(1, 2, 0, rng=0), errors.ArgumentError, "Conv2d: kernel_size must be a"),
        (lambda: nn.Conv2d(1, 2, 3, 0, rng=0), errors.ArgumentError, "Conv2d: stride must be"),
        (lambda: nn.Conv2d(1, 2, 3, 1, -1, rng=0), errors.ArgumentError, "Conv2d: padding must be"),
        (lambda: nn.Conv2d(1, 2, 3), errors.ArgumentError, r"missing.*Conv2d\(1, 2, 3, rng=0\)"),
        (lambda: nn.Conv2d(1, 2, 3, 1, 0, 7), errors.ArgumentError, "go by name, unlike 7"),
        (lambda: nn.Conv2d(1, 2, 3, kernel=3), errors.DTypeError, "no argument 'kernel'; by name"),
        (lambda: nn.Conv2d(1, 2, 3, rng=0, init=1), errors.DTypeError, "init is a function such"),
        (
            lambda: nn.Conv2d(1, 2, 3, rng=0, init=lambda rng, i, o: np.ones((o, i))),
            errors.ShapeError,
            r"Conv2d: init gave weights of shape \(2, 9\), expected \(9, 2\)",
        ),
        (
            lambda: nn.Conv2d(3, 2, 3, rng=0)(np.ones((1, 1, 4, 4))),
            errors.ShapeError,
            r"the same C, got shapes \(1, 1, 4, 4\) and \(2, 3, 3, 3\)",
        ),
        (lambda: nn.MaxPool2d(0), errors.ArgumentError, "MaxPool2d: kernel_size must be a pos"),
        (lambda: nn.AvgPool2d(2, 1.5), errors.ArgumentError, "AvgPool2d: stride must be a pos"),
        (lambda: nn.Flatten()(1.0), errors.ShapeError, r"Flatten: needs \(N, ...\), got a single"),
        (lambda: nn.Sequential(nn.ReLU), errors.DTypeError, "layer 0 is <class.*not a Module"),
        (lambda: nn.Dropout(1, rng=0), errors.ArgumentError, r"p must be in \[0, 1\), got 1"),
        (lambda: nn.Dropout(-0.1, rng=0), errors.ArgumentError, r"\[0, 1\), got -0.1"),
        (lambda: nn.Dropout("a", rng=0), errors.ArgumentError, r"\[0, 1\), got 'a'"),
        (lambda: nn.Dropout(0.5, rng="a"), errors.ArgumentError, "Dropout: a seed is an integer"),
        (lambda: nn.Linear(3, 2), errors.ArgumentError, r"rng is missing.*Linear\(3, 2, rng=0\)"),
        (lambda: nn.Linear(3, 2, rng=None), errors.ArgumentError, "rng is missing"),
        (
            lambda: nn.Linear(3, 2, 0),
            errors.ArgumentError,
            r"go by name, unlike 0; .*\(3, 2, rng=0\)",
        ),
        (lambda: nn.Linear(3, 2, False, 1), errors.ArgumentError, "by name, unlike False and 1;"),
        (
            lambda: nn.Linear(3, 2, seed=0),
            errors.DTypeError,
            r"Linear: there is no argument 'seed'; by name it takes rng, bias, init and dtype, and "
            r"rng is a seed or a NumPy generator: write Linear\(3, 2, rng=0\)",
        ),
        (lambda: nn.Linear(3, 2, rng=0, biass=False), TypeError, "no argument 'biass'; by name"),
        (
            lambda: nn.Dropout(0.5, seed=0),
            TypeError,
            r"no argument 'seed'; by name it takes rng, .* write Dropout\(0.5, rng=0\)",
        ),
        (lambda: nn.Linear(3, 2, rng=True), errors.ArgumentError, "rng cannot be True"),
        (lambda: nn.Dropout(0.5), errors.ArgumentError, r"missing.*write Dropout\(0.5, rng=0\)"),
        (
            lambda: nn.Dropout(0.5, True),
            errors.ArgumentError,
            "by name, unlike True; write Dropout",
        ),
        (lambda: nn.BatchNorm1d, AttributeError, "'BatchNorm1d'; nn.BatchNorm is for"),
        (lambda: nn.BatchNorm2d, AttributeError, r"nn.BatchNorm is for .*\(N, C, H, W\)"),
        (lambda: nn.CrossEntropyLoss, AttributeError, r"microbn\.functional\.cross_entropy"),
        (lambda: nn.Conv3d, AttributeError, "no attribute 'Conv3d'; it has AvgPool2d, .* and Tanh"),
    ],
)
def test_faults_name_the_facts(fault, error, message):
    with pytest.raises(error, match=message):
        fault()


def test_what_to_write_instead_of_pytorchs_layers_exists():
    for said in nn.INSTEAD_OF_LAYERS.values():
        for name in re.findall(r"(?:nn|functional)\.(\w+)", said):
            assert hasattr(nn, name) or hasattr(functional, name), said

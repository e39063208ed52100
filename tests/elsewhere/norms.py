"""The batch norms of other libraries, each behind the same six functions.

Arrays come and go as NumPy's, with the features on axis 1. A library needs itself and NumPy alone,
so that each can have an environment of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .operators import Layer
from .slopes import by_jax, by_tensorflow, by_torch


def last(x: np.ndarray) -> np.ndarray:
    """Put the features on the last axis."""
    return np.moveaxis(x, 1, -1)


def first(x: Any) -> np.ndarray:
    """Put the features on axis 1 again."""
    return np.moveaxis(np.asarray(x), -1, 1)


def microbn(channels: int, axes: int, **momentum: float) -> Layer:
    from microbn import Tensor, grad, nn

    layer = nn.BatchNorm(channels, dtype=np.float32, **momentum)

    def second(x: Any, dy: Any, direction: Any) -> Any:
        x = Tensor(x)
        dx = grad(layer(x), x, dy, create_graph=True)
        return grad((dx * direction).sum(), x)

    def gradient(x: Any, dy: Any) -> Any:
        x = Tensor(x)
        return grad(layer(x), x, dy)

    return Layer(
        lambda x: layer.train()(x).data,
        lambda x: layer.eval()(x).data,
        lambda: (layer.running_mean, layer.running_var),
        gradient,
        second,
    )


def pytorch(channels: int, axes: int, **momentum: float) -> Layer:
    import torch

    kinds = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}
    layer = kinds[axes](channels, **momentum)

    return Layer(
        lambda x: layer.train()(torch.tensor(x)).detach().numpy(),
        lambda x: layer.eval()(torch.tensor(x)).detach().numpy(),
        lambda: (layer.running_mean.numpy(), layer.running_var.numpy()),
        *by_torch(lambda x: layer.train()(x)),
        layer.state_dict,
    )


def keras(channels: int, axes: int, **momentum: float) -> Layer:
    import keras
    from keras import ops

    layer = keras.layers.BatchNormalization(**momentum)
    layer.build((None,) * (axes - 1) + (channels,))
    backend = keras.backend.backend()

    def stateless(x: Any) -> Any:
        values = [v.value for v in layer.trainable_variables]
        others = [v.value for v in layer.non_trainable_variables]
        return layer.stateless_call(values, others, x, training=True)[0]

    ways = {"jax": by_jax, "tensorflow": by_tensorflow, "torch": by_torch}
    gradient, second = ways[backend](stateless)
    array = ops.convert_to_numpy
    return Layer(
        lambda x: first(array(layer(ops.convert_to_tensor(last(x)), training=True))),
        lambda x: first(array(layer(ops.convert_to_tensor(last(x)), training=False))),
        lambda: (array(layer.moving_mean), array(layer.moving_variance)),
        lambda x, dy: first(gradient(last(x), last(dy))),
        lambda x, dy, v: first(second(last(x), last(dy), last(v))),
        lambda: {v.name: array(v) for v in layer.variables},
    )


def pure(
    forward: Callable, state: Any, statistics: Callable, arrays: Callable, axis: int = -1
) -> Layer:
    """Make a layer of ``forward(x, state, training)``, which returns y and the state after it.

    ``statistics`` and ``arrays`` are functions of the state.
    """
    import jax

    inward, outward = (last, first) if axis == -1 else (np.asarray, np.asarray)
    held = [state]

    def train(x: Any) -> np.ndarray:
        y, held[0] = forward(jax.numpy.asarray(inward(x)), held[0], True)
        return outward(y)

    gradient, second = by_jax(lambda x: forward(x, held[0], True)[0])
    return Layer(
        train,
        lambda x: outward(forward(jax.numpy.asarray(inward(x)), held[0], False)[0]),
        lambda: [*map(np.ravel, statistics(held[0]))],
        lambda x, dy: outward(gradient(inward(x), inward(dy))),
        lambda x, dy, v: outward(second(inward(x), inward(dy), inward(v))),
        lambda: arrays(held[0]),
    )


def flax(channels: int, axes: int, **momentum: float) -> Layer:
    import jax
    from flax import linen

    layer = linen.BatchNorm(**momentum)
    like = np.zeros((2,) + (1,) * (axes - 2) + (channels,), np.float32)
    variables = layer.init(jax.random.key(0), like, use_running_average=True)

    def forward(x: Any, state: Any, training: bool) -> tuple:
        given = {"params": variables["params"], "batch_stats": state}
        y, found = layer.apply(given, x, use_running_average=not training, mutable=["batch_stats"])
        return y, found["batch_stats"]

    def arrays(state: Any) -> dict:
        return {"params": variables["params"], "batch_stats": state}

    return pure(
        forward, variables["batch_stats"], lambda state: (state["mean"], state["var"]), arrays
    )


def haiku(channels: int, axes: int, momentum: float = 0.9) -> Layer:
    import haiku as hk
    import jax

    net = hk.transform_with_state(
        lambda x, training: hk.BatchNorm(True, True, decay_rate=momentum)(x, training)
    )
    like = np.zeros((2,) + (1,) * (axes - 2) + (channels,), np.float32)
    parameters, state = net.init(jax.random.key(0), like, True)

    def statistics(state: Any) -> tuple:
        return tuple(state[f"batch_norm/~/{kind}_ema"]["average"] for kind in ("mean", "var"))

    return pure(
        lambda x, s, t: net.apply(parameters, s, None, x, t),
        state,
        statistics,
        lambda state: {**parameters, **state},
    )


def equinox_ema(channels: int, axes: int, **options: Any) -> Layer:
    import equinox as eqx
    import jax

    options = {"mode": "ema", **options}
    layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(channels, axis_name="N", **options)

    def forward(x: Any, state: Any, training: bool) -> tuple:
        def of(sample: Any) -> tuple:
            return layer(sample, state, inference=not training)

        return jax.vmap(of, axis_name="N", out_axes=(0, None))(x)

    def arrays(state: Any) -> dict:
        names = ("ema_state_index", "batch_state_index", "batch_counter")
        places = {name: getattr(layer, name) for name in names}
        kept = {name: state.get(place) for name, place in places.items() if place is not None}
        return {"weight": layer.weight, "bias": layer.bias, **kept}

    place = layer.ema_state_index or layer.batch_state_index
    return pure(forward, state, lambda state: state.get(place), arrays, axis=1)


def equinox_batch(channels: int, axes: int, **options: Any) -> Layer:
    return equinox_ema(channels, axes, mode="batch", **options)


def mlx(channels: int, axes: int, **momentum: float) -> Layer:
    import mlx.core as mx
    import mlx.nn as nn

    layer = nn.BatchNorm(channels, **momentum)

    def gradient(x: Any, dy: Any) -> Any:
        return mx.vjp(lambda x: layer.train()(x), [mx.array(x)], [mx.array(dy)])[1][0]

    def second(x: Any, dy: Any, direction: Any) -> Any:
        return mx.grad(lambda x: (gradient(x, dy) * mx.array(direction)).sum())(mx.array(x))

    return Layer(
        lambda x: first(layer.train()(mx.array(last(x)))),
        lambda x: first(layer.eval()(mx.array(last(x)))),
        lambda: (np.array(layer.running_mean), np.array(layer.running_var)),
        lambda x, dy: first(gradient(last(x), last(dy))),
        lambda x, dy, v: first(second(last(x), last(dy), last(v))),
        layer.parameters,
    )


def paddle(channels: int, axes: int, **momentum: float) -> Layer:
    import paddle

    kinds = {2: paddle.nn.BatchNorm1D, 3: paddle.nn.BatchNorm1D, 4: paddle.nn.BatchNorm2D}
    layer = kinds[axes](channels, **momentum)

    def once(x: Any, dy: Any, create_graph: bool) -> tuple:
        layer.train()
        x = paddle.to_tensor(x, stop_gradient=False)
        options = {"create_graph": create_graph}
        # A cotangent of its own would be a null pointer to the second derivative.
        return x, paddle.grad((layer(x) * paddle.to_tensor(dy)).sum(), x, **options)[0]

    def second(x: Any, dy: Any, direction: Any) -> Any:
        x, dx = once(x, dy, True)
        return paddle.grad((dx * paddle.to_tensor(direction)).sum(), x)[0].numpy()

    def called(x: Any, training: bool) -> Any:
        (layer.train if training else layer.eval)()
        return layer(paddle.to_tensor(x)).numpy()

    return Layer(
        lambda x: called(x, True),
        lambda x: called(x, False),
        lambda: (layer._mean.numpy(), layer._variance.numpy()),
        lambda x, dy: once(x, dy, False)[1].numpy(),
        second,
        lambda: {name: array.numpy() for name, array in layer.state_dict().items()},
    )


def mindspore(channels: int, axes: int, **momentum: float) -> Layer:
    import mindspore as ms

    kinds = {2: ms.nn.BatchNorm1d, 3: ms.nn.BatchNorm1d, 4: ms.nn.BatchNorm2d}
    layer = kinds[axes](channels, **momentum)

    def called(x: Any, training: bool) -> Any:
        layer.set_train(training)
        return layer(ms.Tensor(x)).asnumpy()

    def slope(x: Any, dy: Any) -> Any:
        layer.set_train(True)
        return ms.grad(lambda x: (layer(x) * ms.Tensor(dy)).sum())(x)

    def second(x: Any, dy: Any, direction: Any) -> Any:
        return ms.grad(lambda x: (slope(x, dy) * ms.Tensor(direction)).sum())(ms.Tensor(x))

    return Layer(
        lambda x: called(x, True),
        lambda x: called(x, False),
        lambda: (layer.moving_mean.asnumpy(), layer.moving_variance.asnumpy()),
        lambda x, dy: slope(ms.Tensor(x), dy).asnumpy(),
        lambda x, dy, v: second(x, dy, v).asnumpy(),
        lambda: {array.name: array.asnumpy() for array in layer.get_parameters()},
    )


def tinygrad(channels: int, axes: int, **momentum: float) -> Layer:
    from tinygrad import Context, Tensor, nn

    layer = nn.BatchNorm(channels, **momentum)

    def called(x: Any, training: int) -> Any:
        with Context(TRAINING=training):
            return layer(Tensor(x)).numpy()

    def once(x: Any, dy: Any) -> tuple:
        with Context(TRAINING=1):
            return x, (layer(x) * Tensor(dy)).sum().gradient(x)[0]

    def second(x: Any, dy: Any, direction: Any) -> Any:
        x, dx = once(Tensor(x), dy)
        return (dx * Tensor(direction)).sum().gradient(x)[0].numpy()

    return Layer(
        lambda x: called(x, 1),
        lambda x: called(x, 0),
        lambda: (layer.running_mean.numpy(), layer.running_var.numpy()),
        lambda x, dy: once(Tensor(x), dy)[1].numpy(),
        second,
        lambda: {name: array.numpy() for name, array in nn.state.get_state_dict(layer).items()},
    )

"""Engines that differentiate, and the gradient that each gives at kinks and zeros.

``python tests/elsewhere/engines.py PACKAGE`` prints the gradients of one engine as JSON. It needs
the engine and NumPy alone, so that each engine can have an environment of its own.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

INF = float("inf")
REFUSALS = (ArithmeticError, IndexError)  # which say that there is no such value


class Row(NamedTuple):
    """A point where a derivative is a convention, or where a rule can go wrong."""

    function: str  # by the name that engines have for it below
    operands: tuple
    asked: slice = slice(None)  # the operands whose gradients are shown


ROWS: dict[str, Row] = {
    "max of [1, 2, 2, 2]": Row("max", ([1, 2, 2, 2],)),
    "maximum(0, 0)": Row("maximum", (0, 0)),
    "abs at 0": Row("abs", (0,)),
    "relu at 0": Row("relu", (0,)),
    "clip to ±1 at -1 and 1": Row("clip", ([-1, 1],)),
    "x**y in x at (0, 0)": Row("power", (0, 0), slice(1)),
    "0**y in y at y = 0": Row("power", (0, 0), slice(1, 2)),
    "sqrt at 0": Row("sqrt", (0,)),
    "norm of [0, 0]": Row("norm", ([0, 0],)),
    "norm of order ½ of [0, 4]": Row("half_norm", ([0, 4],)),
    "norm of order -1 of [0, 4]": Row("inverse_norm", ([0, 4],)),
    "std of [1, 1]": Row("std", ([1, 1],)),
    "std of [1], ddof 1": Row("sample_std", ([1],)),
    "median of [1, 4, 2, 3]": Row("median", ([1, 4, 2, 3],)),
    "prod of [0, 2, 0]": Row("prod", ([0, 2, 0],)),
    "cumprod of [2, 0, 3], summed": Row("cumprod", ([2, 0, 3],)),
    "logaddexp(-inf, -inf)": Row("logaddexp", (-INF, -INF)),
    "where(x > 0, log(x), 0) at 0": Row("masked_log", (0,)),
    "arctan2(0, 0)": Row("arctan2", (0, 0)),
    "hypot(0, 0)": Row("hypot", (0, 0)),
    "sinc at 0": Row("sinc", (0,)),
}


class Engine(NamedTuple):
    """The functions of an engine, and how it gives the gradients of their sums."""

    functions: dict[str, Callable]
    gradients: Callable  # of a function, at a list of arrays


def in_numpys_names(xp: Any, **others: Callable) -> dict[str, Callable]:
    """Return the functions of a module that has NumPy's names, as far as it has them."""
    names = ("max", "maximum", "abs", "sqrt", "median", "prod", "cumprod", "logaddexp")
    found = {name: getattr(xp, name, None) for name in (*names, "arctan2", "hypot", "sinc")}
    found |= {
        "relu": lambda x: xp.maximum(x, 0),
        "clip": lambda x: xp.clip(x, -1, 1),
        "power": lambda x, y: x**y,
        "norm": lambda x: xp.linalg.norm(x),
        "half_norm": lambda x: xp.linalg.norm(x, 0.5),
        "inverse_norm": lambda x: xp.linalg.norm(x, -1),
        "std": lambda x: xp.std(x),
        "sample_std": lambda x: xp.std(x, ddof=1),
        "masked_log": lambda x: xp.where(x > 0, xp.log(x), 0),
    }
    return {name: f for name, f in (found | others).items() if f is not None}


def microbn() -> Engine:
    from microbn import Tensor, functional, grad

    def gradients(f: Callable, arrays: list) -> Any:
        leaves = [*map(Tensor, arrays)]
        return grad(f(*leaves).sum(), leaves)

    return Engine(in_numpys_names(np, relu=functional.relu), gradients)


def torch() -> Engine:
    import torch

    def gradients(f: Callable, arrays: list) -> Any:
        leaves = [torch.tensor(x, requires_grad=True) for x in arrays]
        return torch.autograd.grad(f(*leaves).sum(), leaves)

    functions = in_numpys_names(
        torch,
        max=torch.amax,
        relu=torch.relu,
        std=lambda x: torch.std(x, correction=0),
        sample_std=torch.std,
        cumprod=lambda x: torch.cumprod(x, 0),
    )
    return Engine(functions, gradients)


def jax() -> Engine:
    import jax

    def gradients(f: Callable, arrays: list) -> Any:
        places = tuple(range(len(arrays)))
        return jax.grad(lambda *xs: f(*xs).sum(), places)(*map(jax.numpy.asarray, arrays))

    return Engine(in_numpys_names(jax.numpy, relu=jax.nn.relu), gradients)


def tensorflow() -> Engine:
    import tensorflow as tf

    def gradients(f: Callable, arrays: list) -> Any:
        leaves = [*map(tf.Variable, arrays)]
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(f(*leaves))
        return tape.gradient(total, leaves)

    functions = {
        "max": tf.reduce_max,
        "maximum": tf.maximum,
        "abs": tf.abs,
        "relu": tf.nn.relu,
        "clip": lambda x: tf.clip_by_value(x, -1, 1),
        "power": tf.pow,
        "sqrt": tf.sqrt,
        "norm": tf.norm,
        "half_norm": lambda x: tf.norm(x, 0.5),
        "std": tf.math.reduce_std,
        "prod": tf.reduce_prod,
        "cumprod": tf.math.cumprod,
        "masked_log": lambda x: tf.where(x > 0, tf.math.log(x), tf.zeros_like(x)),
        "arctan2": tf.atan2,
    }
    return Engine(functions, gradients)


def mlx() -> Engine:
    import mlx.core as mx

    def gradients(f: Callable, arrays: list) -> Any:
        found = mx.grad(lambda xs: f(*xs).sum())([*map(mx.array, arrays)])
        mx.eval(found)
        return found

    return Engine(in_numpys_names(mx), gradients)


def paddle() -> Engine:
    import paddle

    def gradients(f: Callable, arrays: list) -> Any:
        leaves = [paddle.to_tensor(x, stop_gradient=False) for x in arrays]
        return paddle.grad(f(*leaves).sum(), leaves)

    functions = in_numpys_names(
        paddle,
        relu=paddle.nn.functional.relu,
        std=lambda x: paddle.std(x, unbiased=False),
        sample_std=paddle.std,
        cumprod=lambda x: paddle.cumprod(x, 0),
        arctan2=paddle.atan2,
        masked_log=lambda x: paddle.where(x > 0, paddle.log(x), paddle.zeros_like(x)),
    )
    return Engine(functions, gradients)


def autograd() -> Engine:
    import autograd

    def gradients(f: Callable, arrays: list) -> Any:
        return autograd.grad(lambda xs: autograd.numpy.sum(f(*xs)))(arrays)

    return Engine(in_numpys_names(import_module("autograd.numpy")), gradients)


def mygrad() -> Engine:
    import mygrad

    def gradients(f: Callable, arrays: list) -> Any:
        leaves = [*map(mygrad.tensor, arrays)]
        f(*leaves).sum().backward()
        return [leaf.grad for leaf in leaves]

    relu = import_module("mygrad.nnet.activations").relu
    return Engine(in_numpys_names(mygrad, relu=relu), gradients)


ENGINES: dict[str, Callable[[], Engine]] = {
    make.__name__: make for make in (microbn, torch, jax, tensorflow, mlx, paddle, autograd, mygrad)
}
DISTRIBUTIONS = {"paddle": "paddlepaddle"}  # those that are called otherwise than their package


def found(package: str) -> dict[str, Any]:
    """Return the version of an engine, and the gradients it gives in each row."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine = ENGINES[package]()
        cells = {label: gradients_at(engine, row) for label, row in ROWS.items()}
    return {"version": version(DISTRIBUTIONS.get(package, package)), "cells": cells}


def gradients_at(engine: Engine, row: Row) -> list[float] | str:
    """Return the gradients in a row as one list, or a word where there are none."""
    if (function := engine.functions.get(row.function)) is None:
        return "–"
    arrays = [np.array(x, np.float32) for x in row.operands]
    try:
        parts = engine.gradients(function, arrays)[row.asked]
    except NotImplementedError:
        return "none"
    except REFUSALS:
        return "refused"
    return [float(x) for part in parts for x in np.ravel(np.asarray(part))]


if __name__ == "__main__":
    print(json.dumps(found(sys.argv[1])))

"""Libraries that differentiate: each class translates the probes of ``features.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import microbn as mb
from microbn import functional as F
from microbn.engine.composed import COMPOSED, sizes
from microbn.engine.primitive import RULES
from microbn.testing import gradcheck

from . import lines


class Short(Exception):
    """A library falls short, but raises no error of its own."""


class Library:
    """Translates the probes for a library. This class holds the parts that several libraries share.

    Each has ``xp``, the module of its functions; ``sqrt`` and ``relu``; ``leaf(array)``;
    ``pull(y, leaves, dy)``, which returns the gradients; ``operands(y)``; ``own(forward, rule)``.
    """

    name: str
    package: str
    files: Sequence[str] = ()  # that record and differentiate
    xp: Any
    leaf: Callable
    pull: Callable

    def vjp(self, f: Callable, *arrays: Any) -> tuple[Any, Callable, list]:
        """Return the value of f, a function from its gradient to the leaves', and the leaves."""
        leaves = [self.leaf(array) for array in arrays]
        y = f(*leaves)
        return self.value(y), lambda dy: self.pull(y, leaves, dy), leaves

    def gradient(self, f: Callable, x: Any, dy: Any) -> Any:
        """Return a gradient within a computation, recorded if the library can record it."""
        y = f(x)
        y.backward(dy)
        return x.grad

    def constant(self, array: np.ndarray) -> Any:
        return array

    def value(self, y: Any) -> Any:
        return y.data

    def anchor(self, h: Any) -> Any:
        """Return an object that the graph of h holds, and that a weak reference can point to."""
        return h

    def strict(self) -> Any:
        return np.errstate(all="raise")

    def var(self, x: Any, axis: int) -> Any:
        """Return the variance as NumPy defines it, divided by N."""
        return self.xp.var(x, axis=axis)

    def ruled(self) -> list:
        return []

    def composed(self) -> list:
        return []

    def nothing(self, *args: Any) -> Any:
        raise Short("nothing to call")

    jvp = jacobian = hessian = check = program = nothing


class Microbn(Library):
    name, package = "microbn", "microbn"
    files = lines.ENGINE
    xp, sqrt, relu = np, np.sqrt, staticmethod(F.relu)
    leaf, pull, strict = staticmethod(mb.Tensor), staticmethod(mb.grad), staticmethod(mb.trace)
    operands = staticmethod(lambda y: len(y.inputs))
    jacobian, hessian = staticmethod(mb.jacobian), staticmethod(mb.hessian)

    def jvp(self, f, x, v):
        return mb.jvp(f, x, v)[1]

    def gradient(self, f, x, dy):
        return mb.grad(f(x), x, dy, create_graph=True)

    def anchor(self, h):
        return h.record

    def own(self, forward, rule):
        function = mb.primitive(forward)
        mb.defvjp(function, lambda g, out, x: rule(g, x))
        return function

    def check(self, f, x):
        return bool(gradcheck(f, x))

    def program(self, f, arrays, dy):
        source = mb.compile(f, *map(mb.Tensor, arrays), cotangent=dy).source
        return source, f.__name__, lambda function, arrays, dy: function(*arrays, dy)[1]

    def ruled(self):
        return [function for function, vjps in RULES.items() if any(vjps)]

    def composed(self):
        """Return the composed functions, but for those that ask for a shape or a dtype alone."""
        return [f for f, (made, *_) in COMPOSED.items() if made.__module__ != sizes.__name__]


class Micrograd(Library):
    name, package, files = "micrograd", "micrograd", ("engine.py",)
    sqrt, relu = staticmethod(lambda x: x**0.5), staticmethod(lambda x: x.relu())
    operands = staticmethod(lambda y: len(y._prev))

    def __init__(self):
        from micrograd import engine

        self.xp, self.leaf = engine, engine.Value

    def pull(self, y, leaves, dy):
        for leaf in leaves:
            leaf.grad = 0  # as its zero_grad() does
        (y if dy is None else y * dy).backward()
        return [leaf.grad for leaf in leaves]

    def gradient(self, f, x, dy):
        (f(x) * dy).backward()
        return x.grad

    def own(self, forward, rule):
        def function(x):
            def backward():
                x.grad += rule(out.grad, x.data)

            out = self.leaf(forward(x.data), (x,), "own")
            out._backward = backward
            return out

        return function


class Autograd(Library):
    name, package = "HIPS autograd", "autograd"
    files = (
        *("core.py", "tracer.py", "extend.py", "util.py", "wrap_util.py", "builtins.py"),
        *(f"numpy/numpy_{file}.py" for file in ("wrapper", "boxes", "vspaces", "vjps")),
    )
    operands = staticmethod(lambda y: len(y._node.parents))

    def __init__(self):
        import autograd
        from autograd import core, extend, numpy, test_util

        self.autograd, self.core, self.extend, self.tests = autograd, core, extend, test_util
        self.xp, self.sqrt, self.relu = numpy, numpy.sqrt, lambda x: numpy.maximum(x, 0)

    def vjp(self, f, *arrays):
        """Treat a single array by itself, as ``autograd.grad(f)`` does, and several at once."""
        several = len(arrays) > 1
        make = self.autograd.make_vjp((lambda xs: f(*xs)) if several else f)
        back, y = make(arrays if several else arrays[0])

        def pull(dy):
            found = back(np.ones_like(y) if dy is None else dy)
            return list(found) if several else [found]

        return y, pull, list(arrays)

    def gradient(self, f, x, dy):
        return self.autograd.make_vjp(f)(x)[0](dy)

    def value(self, y):
        return y

    def anchor(self, h):
        return h._value

    def own(self, forward, rule):
        function = self.extend.primitive(forward)
        self.extend.defvjp(function, lambda out, x: lambda g: rule(g, x))
        return function

    def check(self, f, x):
        try:
            self.tests.check_grads(f, modes=["rev"], order=1)(x)
        except AssertionError:
            return False
        return True

    def jvp(self, f, x, v):
        return self.autograd.make_jvp(f)(x)(v)[1]

    def jacobian(self, f, x):
        return self.autograd.jacobian(f)(x)

    def hessian(self, f, x):
        return self.autograd.hessian(f)(x)

    def ruled(self):
        found = [getattr(function, "fun", function) for function in self.core.primitive_vjps]
        rooms = ("numpy", "autograd.numpy", "autograd.core", "autograd.builtins", "autograd.tracer")
        return [f for f in found if f.__module__.startswith(rooms)]


class MyGrad(Library):
    name, package = "MyGrad", "mygrad"
    files = (
        *("tensor_base.py", "operation_base.py", "_tensor_core_ops/indexing.py", "errors.py"),
        *(f"_utils/{file}.py" for file in ("__init__", "duplicating_graph", "graph_tracking")),
        *("_utils/lock_management.py", "math/arithmetic/ops.py", "math/exp_log/ops.py"),
        *(f"math/{file}/ops.py" for file in ("hyperbolic_trig", "misc", "sequential")),
        *("math/trigonometric/ops.py", "tensor_manip/array_shape/ops.py"),
        *(f"tensor_manip/{file}/ops.py" for file in ("transpose_like", "tensor_joining")),
    )
    operands = staticmethod(lambda y: len(y.creator.variables))

    def __init__(self):
        import mygrad
        from mygrad import operation_base, tensor_base
        from mygrad.nnet.activations import relu

        self.base, self.tables = operation_base.Operation, tensor_base
        self.xp, self.sqrt, self.relu, self.leaf = mygrad, mygrad.sqrt, relu, mygrad.tensor

    def pull(self, y, leaves, dy):
        y.backward(dy)
        return [leaf.grad for leaf in leaves]

    def own(self, forward, rule):
        class Own(self.base):
            def __call__(self, x):
                self.variables = (x,)
                return forward(x.data)

            def backward_var(self, grad, index, **kwargs):
                return rule(grad, self.variables[index].data)

        return lambda x: self.xp.execute_op(Own, x)

    def ruled(self):
        others = self.tables._REGISTERED_DIFFERENTIABLE_NUMPY_FUNCS.items()
        flat = ("nondifferentiable", "tensor_creation.funcs")  # argmax, zeros_like and the like
        sloped = (f for f, theirs in others if not theirs.__module__.endswith(flat))
        return [*self.tables._REGISTERED_UFUNC, *sloped]


class PyTorch(Library):
    name, package = "PyTorch", "torch"
    operands = staticmethod(lambda y: len(y.grad_fn.next_functions))

    def __init__(self):
        import torch

        torch.set_num_threads(1)
        self.xp, self.sqrt, self.relu = torch, torch.sqrt, torch.relu
        self.constant, self.strict = torch.tensor, torch.autograd.detect_anomaly

    def leaf(self, array):
        return self.xp.tensor(np.asarray(array), requires_grad=True)

    def value(self, y):
        return y.detach().numpy()

    def pull(self, y, leaves, dy):
        dy = None if dy is None else self.constant(dy)
        return [g.numpy() for g in self.xp.autograd.grad(y, leaves, dy, retain_graph=True)]

    def gradient(self, f, x, dy):
        return self.xp.autograd.grad(f(x), x, self.constant(dy), create_graph=True)[0]

    def own(self, forward, rule):
        def kept(context, x):
            context.save_for_backward(x)
            return forward(x)

        def backward(context, g):
            return rule(g, *context.saved_tensors)

        methods = {"forward": staticmethod(kept), "backward": staticmethod(backward)}
        return type("Own", (self.xp.autograd.Function,), methods).apply

    def check(self, f, x):
        return self.xp.autograd.gradcheck(f, self.leaf(x), raise_exception=False)

    def jvp(self, f, x, v):
        return self.xp.func.jvp(f, (self.constant(x),), (self.constant(v),))[1].numpy()

    def jacobian(self, f, x):
        return self.xp.func.jacrev(f)(self.constant(x)).numpy()

    def hessian(self, f, x):
        return self.xp.func.hessian(f)(self.constant(x)).numpy()

    def var(self, x, axis):
        return self.xp.var(x, axis, correction=0)

    def program(self, f, arrays, dy):
        from torch.fx.experimental.proxy_tensor import make_fx

        def backward(dy, *arrays):
            return self.xp.func.vjp(f, *arrays)[1](dy)

        def call(function, arrays, dy):
            return [g.numpy() for g in function(None, *map(self.constant, [dy, *arrays]))]

        graph = make_fx(backward)(*map(self.constant, [dy, *arrays]))
        return graph.code, "forward", call


LIBRARIES: dict[str, Callable[[], Library]] = {
    library.name: library for library in (Microbn, Micrograd, Autograd, MyGrad, PyTorch)
}

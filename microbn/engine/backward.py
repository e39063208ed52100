"""The reverse sweep: one generator, which every gradient and every picture of one comes from.

It works on the nodes that ``nodes.py`` describes, whatever else they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from ..reading.trace import check_gradient
from . import faults as checks
from .arrays import shown
from .functions import astype
from .mode import gradient_mode, mode
from .node import describe
from .primitive import CALLS, RULES


class Message(NamedTuple):
    """What a node sends to one of its operands.

    ``product`` is what the rule gave. ``gradient`` is the same in the operand's shape and dtype:
    summed over the axes along which NumPy had repeated the operand.
    """

    operand: Any
    position: int
    product: Any
    gradient: Any


class Step(NamedTuple):
    """One step of the sweep: a node whose gradient is complete, and the messages it sends."""

    node: Any
    gradient: Any
    messages: list[Message]

    def __str__(self) -> str:
        sent = [f"  sends {brief(m.gradient)} to {describe(m.operand)}" for m in self.messages]
        return "\n".join([f"{describe(self.node)} has gradient {brief(self.gradient)}", *sent])


def brief(gradient: Any) -> str:
    """A gradient in one line: up to a dozen entries in full, of more the shape."""
    array = np.asarray(getattr(gradient, "value", gradient))
    if array.size > 12:
        return f"an array of shape {array.shape}"
    return np.array2string(array, precision=3, separator=", ").replace("\n", "")


def sweep(root: Any, cotangent: Any = None, *, create_graph: bool = False) -> Iterator[Step]:
    """Walk from ``root`` back to the leaves; yield a `Step` per node, its gradient complete.

    ``cotangent`` is the gradient of the loss with respect to the root, in the root's shape; a
    root of one element needs none (it is 1). With ``create_graph`` the rules are given nodes
    instead of arrays, so that the gradients are recorded and can be differentiated again.

    Raises GraphError where nothing was recorded, ShapeError for a cotangent that does not fit,
    RuleError for a rule whose result is not a gradient.
    """
    steps = _steps(root, _seed(root, cotangent, create_graph), create_graph, keep=True)
    return (Step(n, shown(g), [Message(*map(shown, m)) for m in sent]) for n, g, sent in steps)


def _steps(root: Any, seed: Any, create_graph: bool, keep: bool = False) -> Iterator[tuple]:
    """The sweep itself, which everything here drives; in plain tuples, for speed.

    Numbers grow with time: the highest one that has received anything has received everything.
    """
    waiting, numbers, tracing = {root.number: (root, seed)}, [-root.number], mode.get().tracing
    while numbers:
        node, gradient = waiting.pop(-heappop(numbers))
        messages: list[tuple] = []
        before = mode.get() if create_graph else None
        try:
            if before:
                mode.set(gradient_mode(node, gradient))
            for operand, position, product, part in _messages(node, gradient, create_graph):
                if keep:
                    messages.append((operand, position, product, part))
                number = operand.number
                if tracing:
                    check_gradient(node, position, part, waiting.get(number))
                if number in waiting:
                    part = waiting[number][1] + part
                else:
                    heappush(numbers, -number)
                waiting[number] = operand, part
        finally:
            if before:  # no call before this one, or Ctrl-C could come in between
                mode.set(before)
        yield node, gradient, messages


def _messages(node: Any, gradient: Any, create_graph: bool) -> Iterator[tuple]:
    """Run the rule of each operand that a gradient can flow into."""
    if not node.function:
        return
    kind, inputs, vjps, kwargs = type(node), node.inputs, RULES[node.function], node.kwargs
    if isinstance(gradient, np.ndarray):
        gradient = shown(gradient)  # no rule may change what the others get
    out, args = (node, checks.live(node)) if create_graph else (node.value, node.args)
    each = CALLS[node.function].each
    for position, vjp in enumerate(vjps):
        operand = inputs[position]
        if vjp is None or not (each or (isinstance(operand, kind) and operand.flows)):
            continue  # nothing flows into constants, masks and indices
        try:
            product = vjp(gradient, out, *args, **kwargs)
        except Exception as error:
            error.add_note(f"in the rule of {node.function.__name__}, operand {position}")
            raise
        if each:
            for i, one, part in checks.parts(product, node):
                yield one, i, part, _fit(part, one.value, node, i)
            continue
        value, part = operand.value, product
        if type(part) is not type(value) or type(part) is np.ndarray:  # a scalar's type tells all
            part = _fit(part, value, node, position)
        yield operand, position, product, part


def _fit(product: Any, value: Any, node: Any, position: int) -> Any:
    """What a rule gave, in its operand's shape and dtype. Raises RuleError if it is no gradient."""
    if getattr(product, "shape", None) == value.shape and product.dtype is value.dtype:
        return product
    part = product if hasattr(product, "dtype") else np.asarray(product)
    if isinstance(node.function, np.ufunc) or part.shape == node.value.shape:
        part = _unbroadcast(part, value.shape)
    if part.shape == value.shape and part.dtype == value.dtype:
        return part
    checks.gradient(part, product, value, node, position)
    return astype(part, value.dtype)


def _unbroadcast(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes along which NumPy had repeated an array of this shape.

    Done with recordable functions, so that it too can be drawn and differentiated.
    """
    new, same = repeated(gradient.shape, shape)
    if new:
        gradient = gradient.sum(axis=new)
    return gradient.sum(axis=same, keepdims=True) if same else gradient


@lru_cache(maxsize=1000)
def repeated(wide: tuple[int, ...], narrow: tuple[int, ...]) -> tuple:
    """Which axes a narrow shape lacks to become a wide one, and which of its own it repeats."""
    new = tuple(range(len(wide) - len(narrow)))
    kept = zip(narrow, wide[len(new) :], strict=False)
    return new, tuple(i for i, (n, m) in enumerate(kept) if n == 1 != m)


def _seed(root: Any, cotangent: Any, create_graph: bool) -> Any:
    """The gradient that the sweep starts with: an array, or with create_graph a node."""
    seed, kind = checks.seed(root, cotangent, create_graph), type(root)
    if not create_graph:
        return seed
    return astype(cotangent, seed.dtype) if isinstance(cotangent, kind) else kind(seed)


def backward(root: Any, cotangent: Any = None, *, retain_grads: bool = False) -> None:
    """Add the gradient of ``root`` to the ``.grad`` of every leaf it was made from.

    With ``retain_grads`` every node on the way keeps its own as well. Errors as for `sweep`;
    they leave every ``.grad`` as it was.
    """
    received = []
    for node, gradient, _ in _steps(root, _seed(root, cotangent, False), False):
        if retain_grads or node.function is None:
            received.append((node, gradient))
        del gradient  # or it would stay in memory for the next step
    for node, gradient in received:
        node.grad = np.array(gradient) if node.grad is None else np.asarray(node.grad + gradient)


def grad(output: Any, inputs: Any, cotangent: Any = None, *, create_graph: bool = False) -> Any:
    """The gradient of ``output`` with respect to ``inputs``: one Tensor, or a sequence of them.

    Returns an array per input (for a sequence, a tuple of them), zero where the output does not
    depend on it. With ``create_graph`` they are Tensors that have a graph of their own, so that
    ``grad(grad(y, x, create_graph=True), x)`` is the second derivative. No ``.grad`` is touched.
    """
    wanted = inputs if (several := isinstance(inputs, (tuple, list))) else [inputs]
    seed = _seed(output, cotangent, create_graph)
    found = dict.fromkeys(checks.wanted(wanted, type(output)))
    for node, gradient, _ in _steps(output, seed, create_graph):
        if node.number in found:
            found[node.number] = gradient
        del gradient  # or it would stay in memory for the next step
    results = []
    for x, part in ((x, found[x.number]) for x in wanted):
        if create_graph:  # what was not found is 0, recorded as coming from x all the same
            results.append(np.where(False, x, 0.0) if part is None else +part)
        else:
            results.append(np.zeros_like(x.value) if part is None else np.array(part))
    return tuple(results) if several else results[0]

"""The reverse sweep: one generator, which every gradient and every picture of one comes from.

It works on nodes, whatever they are. A node has a ``number`` that grows with time, the ``value``
it got, the ``function`` that made it (None for a leaf), the plain ``args`` and ``kwargs`` which
that function saw, and its ``inputs``: the same args, with nodes in the places of their values.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from .errors import DTypeError, GraphError, RuleError, ShapeError
from .rules import RULES, astype


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
        sent = [f"  sends {_brief(m.gradient)} to {describe(m.operand)}" for m in self.messages]
        return "\n".join([f"{describe(self.node)} has gradient {_brief(self.gradient)}", *sent])


def sweep(root: Any, cotangent: Any = None, *, create_graph: bool = False) -> Iterator[Step]:
    """Walk from ``root`` back to the leaves; yield a `Step` per node, its gradient complete.

    ``cotangent`` is the gradient of the loss with respect to the root, in the root's shape; a
    root of one element needs none (it is 1). With ``create_graph`` the rules are given nodes
    instead of arrays, so that the gradients are recorded and can be differentiated again.

    Raises GraphError where nothing was recorded, ShapeError for a cotangent that does not fit,
    RuleError for a rule whose result is not a gradient.
    """
    steps = _steps(root, _seed(root, cotangent, create_graph), create_graph)
    return (Step(node, g, [Message(*m) for m in messages]) for node, g, messages in steps)


def _steps(root: Any, seed: Any, create_graph: bool) -> Iterator[tuple]:
    """The sweep itself, which everything here drives; in plain tuples, for speed.

    Numbers grow with time: the highest one that has received anything has received everything.
    """
    reached, gradients, numbers = {root.number: root}, {root.number: seed}, [-root.number]
    ours: set[int] = set()  # sums allocated here: the only arrays that are added to in place
    while numbers:
        number = -heappop(numbers)
        node, gradient = reached.pop(number), gradients.pop(number)
        if number in ours:
            gradient.flags.writeable = False
        messages = _messages(node, gradient, create_graph) if node.function else []
        for operand, _, _, part in messages:
            number = operand.number
            if number not in gradients:
                reached[number], gradients[number] = operand, part
                heappush(numbers, -number)
            elif number in ours:
                gradients[number] += part
            else:
                gradients[number] = total = gradients[number] + part
                if isinstance(total, np.ndarray):
                    ours.add(number)
        yield node, gradient, messages


def _messages(node: Any, gradient: Any, create_graph: bool) -> list[tuple]:
    """Run the rule of each operand that a gradient can flow into."""
    messages: list[tuple] = []
    kind, inputs, kwargs = type(node), node.inputs, node.kwargs
    out, args = (node, _live(node)) if create_graph else (node.value, node.args)
    for position, vjp in enumerate(RULES[node.function]):
        operand = inputs[position]
        single = isinstance(operand, kind)
        if vjp is None or not (single or holds(operand, kind)):
            continue
        try:
            product = vjp(gradient, out, *args, **kwargs)
        except Exception as error:
            error.add_note(f"in the rule of {node.function.__name__}, operand {position}")
            raise
        if single:
            _send(messages, operand, position, product, node)
        else:
            _send_each(messages, operand, position, product, node)
    return messages


def _send(messages: list[tuple], operand: Any, position: int, product: Any, node: Any) -> None:
    """Check, fit and freeze what a rule gave to one operand."""
    value, part = operand.value, product
    if getattr(part, "shape", None) != value.shape or part.dtype != value.dtype:
        if value.dtype.kind != "f":
            return  # nothing flows into an index or a mask
        part = _fit(part, value, node, position)
    same = part is product
    if isinstance(part, np.ndarray) and (part := part[()]).ndim:  # a view, or a scalar
        part.flags.writeable = False  # several nodes may come to share it
    messages.append((operand, position, part if same else product, part))


def holds(sequence: Any, kind: type) -> bool:
    """Whether this is a sequence with something of a kind in it."""
    return isinstance(sequence, (tuple, list)) and any(isinstance(one, kind) for one in sequence)


def _send_each(
    messages: list[tuple], operands: Any, position: int, products: Any, node: Any
) -> None:
    """Send to the nodes in a sequence of operands each its part of what the rule gave."""
    if not isinstance(products, (tuple, list)):
        what = "a sequence of operands needs a rule that gives a list; or join them with np.stack"
        raise _rule_error(node, position, what)
    if len(products) != len(operands):
        raise _rule_error(node, position, f"{len(products)} gradients for {len(operands)} operands")
    for operand, product in zip(operands, products, strict=True):
        if isinstance(operand, type(node)):
            _send(messages, operand, position, product, node)


def _fit(product: Any, value: Any, node: Any, position: int) -> Any:
    """What a rule gave, in its operand's shape and dtype. Raises RuleError if it is no gradient."""
    if product is None:
        raise _rule_error(node, position, "it returned None")
    part = np.stack(product) if isinstance(product, list) else product
    part = part if hasattr(part, "dtype") else np.asarray(part)
    if isinstance(node.function, np.ufunc) or part.shape == node.value.shape:
        part = _unbroadcast(part, value.shape)
    if part.shape != value.shape:
        what = f"gradient has shape {np.shape(product)}, its input {value.shape}"
        raise _rule_error(node, position, what)
    if part.dtype.kind not in "fiub":
        raise _rule_error(node, position, f"gradient holds {part.dtype}")
    return part if part.dtype == value.dtype else astype(part, value.dtype)


def _unbroadcast(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes along which NumPy had repeated an array of this shape.

    Done with recordable functions, so that it too can be drawn and differentiated.
    """
    if (extra := gradient.ndim - len(shape)) > 0:
        gradient = np.sum(gradient, axis=tuple(range(extra)))
    if gradient.shape != shape and gradient.ndim == len(shape):
        repeated = tuple(i for i, n in enumerate(shape) if n == 1 != gradient.shape[i])
        gradient = np.sum(gradient, axis=repeated, keepdims=True)
    return gradient


def _rule_error(node: Any, position: int, what: str) -> RuleError:
    return RuleError(f"rule of {node.function.__name__!r}, operand {position}: {what}")


def _live(node: Any) -> Any:
    """The inputs of a node as they are, if they still have the values that it saw."""
    for operand, value in _flat(node):
        if operand.value is not value:
            raise GraphError(
                f"the data of {describe(operand)} was replaced since the forward ran; a gradient "
                "with a graph of its own may need what it was made from. Run the forward again"
            )
    return node.inputs


def _flat(node: Any) -> Iterator[tuple[Any, Any]]:
    """The nodes among the inputs of a node, and in their sequences, each with the value it had."""
    waiting = [*zip(node.inputs, node.args, strict=True)][::-1]
    while waiting:
        operand, value = waiting.pop()
        if isinstance(operand, type(node)):
            yield operand, value
        elif isinstance(operand, (tuple, list)):
            waiting += [*zip(operand, value, strict=True)][::-1]


def has_history(node: Any) -> bool:
    """Whether a gradient could flow on from this node."""
    return any(True for _ in _flat(node))


def history(root: Any) -> list[Any]:
    """All nodes that ``root`` was made from, and itself, in the order in which they were made."""
    found, waiting = {root.number: root}, [root]
    while waiting:
        for operand, _ in _flat(waiting.pop()):
            if operand.number not in found:
                found[operand.number] = operand
                waiting.append(operand)
    return [found[number] for number in sorted(found)]


def _check_root(root: Any) -> None:
    """Raise where no gradient can start from."""
    if not hasattr(root, "inputs"):
        raise DTypeError(
            f"a backward starts from a Tensor, not from {type(root).__name__}; a gradient becomes "
            "one, with a graph of its own, by grad(..., create_graph=True)"
        )
    if not has_history(root):
        raise GraphError(
            f"{describe(root)} has no history: nothing here was recorded. Start from the result "
            "of a computation on Tensors, made outside no_grad()"
        )
    if root.value.dtype.kind != "f":
        raise DTypeError(f"{describe(root)} holds {root.dtype}: no gradient flows back from it")


def _seed(root: Any, cotangent: Any, create_graph: bool) -> Any:
    """The gradient that the sweep starts with: checked, and a copy; with create_graph a node."""
    _check_root(root)
    value, kind = root.value, type(root)
    if cotangent is None:
        if value.size != 1:
            raise ShapeError(
                f"a backward starts from a scalar; {describe(root)} has shape {value.shape}. "
                "Use .sum(), or pass the cotangent"
            )
        cotangent = np.ones(value.shape)
    if np.shape(cotangent) != value.shape:
        found = np.shape(cotangent)
        raise ShapeError(f"the cotangent has shape {found}, {describe(root)} {value.shape}")
    plain = np.asarray(cotangent.value if isinstance(cotangent, kind) else cotangent)
    if plain.dtype.kind not in "fiub":
        raise DTypeError(f"the cotangent is not an array of numbers but {cotangent!r:.60}")
    seed = np.array(plain, value.dtype)
    seed.flags.writeable = False
    if not create_graph:
        return seed[()]
    node = astype(cotangent, value.dtype) if isinstance(cotangent, kind) else kind(seed)
    if not has_history(-node):  # not even this is recorded
        raise GraphError("create_graph=True records the gradient, which no_grad() forbids")
    return node


def backward(root: Any, cotangent: Any = None, *, retain_grads: bool = False) -> None:
    """Add the gradient of ``root`` to the ``.grad`` of every leaf it was made from.

    With ``retain_grads`` every node on the way keeps its own as well. Errors as for `sweep`;
    they leave every ``.grad`` as it was.
    """
    steps = _steps(root, _seed(root, cotangent, False), False)
    received = [(node, g) for node, g, _ in steps if retain_grads or node.function is None]
    for node, gradient in received:
        node.grad = np.array(gradient) if node.grad is None else np.asarray(node.grad + gradient)


def grad(output: Any, inputs: Any, cotangent: Any = None, *, create_graph: bool = False) -> Any:
    """The gradient of ``output`` with respect to ``inputs``: one Tensor, or a sequence of them.

    Returns an array per input (for a sequence, a tuple of them), zero where the output does not
    depend on it. With ``create_graph`` they are Tensors that have a graph of their own, so that
    ``grad(grad(y, x, create_graph=True), x)`` is the second derivative. No ``.grad`` is touched.
    """
    single = not isinstance(inputs, (tuple, list))
    wanted = [inputs] if single else inputs
    seed = _seed(output, cotangent, create_graph)
    for i, x in enumerate(wanted):
        if not isinstance(x, type(output)):
            raise DTypeError(f"grad: input {i} is a {type(x).__name__}; only Tensors get gradients")
    asked = {x.number for x in wanted}
    steps = _steps(output, seed, create_graph)
    found = {node.number: gradient for node, gradient, _ in steps if node.number in asked}
    if create_graph:  # what was not found is 0, recorded as coming from x all the same
        results = [
            +found[x.number] if x.number in found else np.where(False, x, 0.0) for x in wanted
        ]
    else:
        results = [np.array(found.get(x.number, np.zeros_like(x.value))) for x in wanted]
    return results[0] if single else tuple(results)


def describe(node: Any) -> str:
    """A node in words: its name, and what made it."""
    made = node.function.__name__ if node.function else "leaf"
    return f"{node.name!r} ({made})" if node.name else f"a {made}" if made == "leaf" else made


def _brief(gradient: Any) -> str:
    array = np.asarray(getattr(gradient, "value", gradient))
    if array.size > 12:
        return f"an array of shape {array.shape}"
    return np.array2string(array, precision=3, separator=", ").replace("\n", "")

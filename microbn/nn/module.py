"""A Module holds parameters (its Tensors), buffers (its arrays) and other Modules."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import numpy as np

from ..engine.arrays import check_plain
from ..engine.mode import mode
from ..engine.tensor import Tensor
from ..errors import ArgumentError, DTypeError, GraphError, ShapeError
from . import parts


class Module:
    """A part of a model. Subclass it, set Tensors and Modules as attributes, write ``forward``.

    What an attribute holds says what it is: a Tensor is a parameter, which the optimizer updates;
    an array is a buffer, which is saved but not learned; a Module is a part. Lists, tuples and
    dicts of them are looked into.

    An attribute stays what it is. A buffer that is assigned a computed Tensor, an array or a
    number keeps its shape and its dtype, and takes the values without their graph. A parameter
    takes new values by ``p.data = ...``, or a new leaf, ``Tensor(...)``, takes its place; anything
    else that has values raises GraphError. Values that do not fit a buffer raise ShapeError or
    DTypeError. None, a Module and other objects may take any place, and an attribute that is first
    set while a Module is called may hold anything: it is a note of that call.
    """

    training = True
    name: str | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "name" and not (value is None or isinstance(value, str)):
            raise ArgumentError(f"{type(self).__name__}: a name is text, got {value!r:.60}")
        held = vars(self).get(name)
        if not (isinstance(value, _LOOKED_INTO) or isinstance(held, _LOOKED_INTO)):
            return super().__setattr__(name, value)  # a setting, such as training
        kinds = vars(self).get(parts.KINDS, {})
        known = parts.paths_of(kinds, name)
        if held is not None and kinds.get(name) == "buffer" and parts.has_values(value):
            value, found = parts.taken(self, name, held, value), {name: "buffer"}
        else:
            inside = list(parts.walk(name, value, parts.CONTAINERS))
            for path, part in inside:
                if isinstance(part, np.ndarray):
                    check_plain(part)
                parts.check_kept(self, path, kinds.get(path), part)
            _release(name, held, value)
            _adopt(inside)
            noted = _calls.get() and all(kinds[path] == "note" for path in known)
            found = {name: "note"} if noted else parts.kinds_of(inside)
        super().__setattr__(name, value)
        if vars(self).get(name) is not value:
            found = {}  # a property has put it elsewhere
        self._know({path: kind for path, kind in kinds.items() if path not in known} | found)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        kinds = vars(self).get(parts.KINDS, {})
        gone = parts.paths_of(kinds, name)
        self._know({path: kind for path, kind in kinds.items() if path not in gone})

    def _know(self, kinds: dict[str, str]) -> None:
        vars(self)[parts.KINDS] = kinds  # a new dict each time: a copy of the Module has the old

    def __getattr__(self, name: str) -> Any:
        """Say what to write instead of what PyTorch's Modules have and these have not."""
        if name == "__signature__":  # what inspect shows of a call: forward's operands
            return inspect.signature(self.forward)
        if name in _INSTEAD:
            raise AttributeError(f"{type(self).__name__} has no {name!r}; {_INSTEAD[name]}")
        return super().__getattribute__(name)  # raises as ever; a property, with its own error

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        before, around = mode.get(), _calls.get()
        try:
            _calls.set(around + 1)
            try:
                if self.name is not None:
                    mode.set(before._replace(scope=(*before.scope, self.name)))
                return self.forward(*args, **kwargs)
            finally:  # a single call each: no Ctrl-C can come before it
                mode.set(before)
        except RecursionError as error:
            if around < DEEP:  # it is no nest of Modules that went too deep
                raise
            raise GraphError(
                f"{type(self).__name__}: Modules call each other too deep for Python, whose limit "
                f"is {sys.getrecursionlimit()} calls; set layers beside each other, as in "
                "Sequential(a, b, c), or raise the limit by sys.setrecursionlimit"
            ) from error
        finally:
            _calls.set(around)

    def __repr__(self) -> str:
        return "\n".join(_lines(self))

    def forward(self, *args: Any) -> Any:
        """Compute the output. Each kind of Module says how."""
        raise NotImplementedError(f"{type(self).__name__} has no forward()")

    def modules(self) -> list[Module]:
        """This Module and all below it."""
        return [part for _, part in _all("", self) if isinstance(part, Module)]

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Every parameter once, with its path: ``("layers.0.weight", Tensor)``.

        A Tensor that was computed, kept to be looked at, is no parameter.
        """
        return self._named(lambda part: parts.kind_of(part) == "parameter")

    def parameters(self) -> list[Tensor]:
        """Every parameter once."""
        return [p for _, p in self.named_parameters()]

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """Every buffer once, with its path: ``("layers.1.running_mean", array)``."""
        return self._named(lambda part: isinstance(part, np.ndarray))

    def _named(self, wanted: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, part in _all("", self):
            if wanted(part) and id(part) not in seen:
                seen.add(id(part))
                yield path, part

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.parameters():
            p.grad = None

    def train(self, training: bool = True) -> Module:
        """Switch this Module and all below it to training; ``train(False)`` is `eval`."""
        for module in self.modules():
            module.training = training
        return self

    def eval(self) -> Module:
        """Switch to inference: batch norm uses its running statistics, dropout drops nothing."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all parameters and buffers, by path, laid out in memory row by row.

        Raises GraphError if a list or a dict has lost one: if something computed, an array or a
        number has been put in a parameter's place, or a number or a Tensor in a buffer's.
        """
        return {path: np.array(part, order="C") for path, part in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set all parameters and buffers: everything is checked first, then everything is loaded.

        Dtypes stay. Raises ArgumentError for a name that is missing or unknown, ShapeError for a
        shape that differs and DTypeError for what is not numbers; nothing is loaded then.
        """
        if not isinstance(state, Mapping):
            raise DTypeError(f"state_dict: needs a dict of arrays, got {type(state).__name__}")
        own = self._state()
        for words, paths in (
            ("is missing", own.keys() - state),
            ("is unknown", state.keys() - own),
        ):
            if paths:
                path = min(paths, key=str)
                raise ArgumentError(f"state_dict: {path!r} {words}; nothing was loaded")
        new = {}
        for path, part in own.items():
            check_plain(state[path])
            try:
                new[path] = np.array(state[path]).astype(part.dtype, casting="same_kind")
            except (TypeError, ValueError) as error:
                raise DTypeError(
                    f"state_dict: {path!r} does not fit {part.dtype} ({error}); nothing was loaded"
                ) from error
            if new[path].shape != part.shape:
                raise ShapeError(
                    f"state_dict: {path!r} has shape {new[path].shape}, "
                    f"expected {part.shape}; nothing was loaded"
                )
        for path, parameter in self.named_parameters():
            parameter.data = new[path]
        for path, buffer in self.named_buffers():
            buffer[...] = new[path]

    def _state(self) -> dict[str, np.ndarray]:
        for module in self.modules():
            kinds = dict(vars(module).get(parts.KINDS, {}))
            inside = list(parts.walk("", parts.attributes(module), parts.CONTAINERS))
            for path, part in inside:
                parts.check_kept(module, path, kinds.get(path), part)
            for path, kind in parts.kinds_of(inside).items():  # a list may have grown
                if kinds.get(path.split(".")[0]) != "note":
                    kinds[path] = kind
            module._know(kinds)
        held = [(path, p.data) for path, p in self.named_parameters()]
        for path, buffer in self.named_buffers():
            if not buffer.flags.writeable:
                raise ArgumentError(
                    f"state_dict: the buffer {path!r} is read-only; set a copy of it"
                )
            held.append((path, buffer))
        state = dict(held)
        if len(state) < len(held):
            raise ArgumentError("state_dict: two parts have the same path; rename one")
        return state


_LOOKED_INTO = (Tensor, np.ndarray, Module, *parts.CONTAINERS)
_calls: ContextVar[int] = ContextVar("how many Modules are being called", default=0)
DEEP = 100  # Modules that call each other: beyond that Python's limit is theirs
_NO_DEVICES = "there is one device, the processor"
_INSTEAD = {
    **dict.fromkeys(("to", "cuda", "cpu"), f"{_NO_DEVICES}; a layer's dtype is set as dtype=..."),
    **dict.fromkeys(("float", "double", "half"), "a layer's dtype is set where it is made"),
    **dict.fromkeys(("register_buffer", "register_parameter"), "write self.name = value"),
    **dict.fromkeys(("children", "named_modules", "named_children"), "modules() are all of them"),
    "requires_grad_": "an optimizer updates what it is given; leave the other parameters out",
    "apply": "write for module in model.modules(): ...",
    "add_module": "write self.name = module",
    "compile": "use lab.compiled.CompiledStep, or microbn.compile",
}


def _all(path: str, root: Any) -> Iterator[tuple[str, Any]]:
    return parts.walk(path, root, (Module, *parts.CONTAINERS))


def _release(name: str, held: Any, value: Any) -> None:
    """Mark the parameters in whose places there are others now: their optimizer has to know."""
    if held is not None and held is not value:
        new = dict(_all(name, value))
        for path, p in _all(name, held):
            if parts.kind_of(p) == parts.kind_of(new.get(path)) == "parameter":
                p.role = "parameter" if new[path] is p else ""


def _adopt(inside: list[tuple[str, Any]]) -> None:
    """Give parts without a name their paths as names, and mark leaves as parameters."""
    for path, part in inside:
        if isinstance(part, (Tensor, Module)) and part.name is None:
            part.name = path
        if isinstance(part, Tensor) and part.function is None:
            part.role = "parameter"


def _lines(root: Module) -> Iterator[str]:
    """A Module in words, and below it its parts, indented."""
    seen: dict[int, str] = {}
    waiting: list[tuple[str, str, Any]] = [("", "", root)]
    while waiting:
        label, path, part = waiting.pop()
        kind = type(part).__name__
        if isinstance(part, str):
            yield part
        elif id(part) in seen:
            yield f"{label}the same {kind} as {seen[id(part)] or 'the whole'}"
        else:
            seen[id(part)] = path
            own = list(parts.walk("", parts.attributes(part), parts.CONTAINERS))
            facts = ", ".join(filter(None, (_fact(*pair) for pair in own)))
            below = [(where, one) for where, one in own if isinstance(one, Module)]
            margin = " " * (len(label) - len(label.lstrip()))
            yield f"{label}{kind}({facts}{'' if below else ')'}"
            dot = f"{path}." if path else ""
            waiting += [(f"{margin})", "", f"{margin})")] if below else []
            waiting += [(f"{margin}  {w}: ", f"{dot}{w}", one) for w, one in reversed(below)]


def _fact(path: str, part: Any) -> str:
    """A setting or a parameter's shape, as it stands in a Module's repr; "" for the rest."""
    if parts.kind_of(part) == "parameter":
        return f"{path} {part.shape}"
    if path in ("name", "training") or path.startswith("_"):
        return ""
    if type(part) is int and part.bit_length() > 64:
        return f"{path}=..."
    return f"{path}={part!r:.40}" if type(part) in (bool, int, float, str, type(None)) else ""

"""The features of microbn and its peers: each cell of the table is the outcome of a probe.

The table stands first, then the probes, one for each row. If a library falls short, the probe
raises an error, which is printed below the table. ``libraries.py`` translates the probes for each
library. ``python -m tests.bench.features NAME`` runs the probe that may crash.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from microbn import closed_form
from microbn.engine.primitive import CALLS, RULES

from .libraries import LIBRARIES, Library, Short
from .lines import code_lines
from .measures import Table, absent, progress
from .net import composed

ROOT = Path(__file__).parents[2]
UNKNOWN, DEPTH, ONE = "–", 100_000, np.array(1.0)


def features(rounds: int, seed: int) -> Table:
    """Run every probe with every library. Below the table stands the reason for each "no"."""
    libraries, missing = ready()
    answers = {
        (name, label): answer(probe, library, seed)
        for name, library in progress([*libraries.items()], "features")
        for label, probe in PROBES.items()
    }
    rows = []
    for number, label in enumerate(PROBES, start=1):
        cells = (answers.get((name, label), (UNKNOWN, ""))[0] for name in LIBRARIES)
        rows.append([f"{number}. {label}", *cells])
    notes = [
        "Each cell is the outcome of a few lines, run with the library as it is installed "
        "(tests/bench/features.py). We did not try a GPU, and speed has tables of its own.",
        "PyTorch's arrays are made by torch.tensor, which copies; torch.from_numpy does not. We "
        "look for NaNs with the library's own tool, or under np.errstate(all='raise'). We count "
        "functions in the library's table of rules, and ours in the table of compositions too. "
        "Blank lines, comments and docstrings do not count as lines. Batch norm is composed, and "
        "its ε is a Python number.",
        *(f"Lines of {n}: {', '.join(lib.files)}." for n, lib in libraries.items() if lib.files),
        *(reasons(name, answers) for name in libraries),
    ]
    return Table("Features, tried", ["", *LIBRARIES], rows, [*notes, *absent(missing)])


def ready() -> tuple[dict[str, Library], dict[str, str]]:
    """Return the installed libraries, and the package that each of the others lacks."""
    found, missing = {}, {}
    for name, library in LIBRARIES.items():
        try:
            found[name] = library()
        except ImportError as error:
            missing[name] = str(error)
    return found, missing


def answer(probe: Callable, lib: Library, seed: int = 0) -> tuple[str, str]:
    """Return the cell, and the reason for a "no". A mistake of a probe itself is raised."""
    with silence(), patch.dict(RULES), patch.dict(CALLS):  # which a probe adds to
        try:
            found = probe(lib, np.random.default_rng(seed))
        except Exception as error:
            ours = isinstance(getattr(error, "obj", None), Library)  # which lacks an attribute
            if ours or isinstance(error, (NameError, Slip)):
                raise
            return (UNKNOWN if probe in COUNTS else "no"), in_a_line(error)
    if found is None:
        return "yes", ""
    return (f"{found:,}" if isinstance(found, int) else found), ""


def reasons(name: str, answers: dict) -> str:
    """Give the reason for each "no" of a library, by the number of the row."""
    found = [(n, answers[name, label][1]) for n, label in enumerate(PROBES, start=1)]
    said = "; ".join(f"{n} ({why})" for n, why in found if why)
    return f"{name} falls short in {said or 'nothing that was tried'}."


def in_a_line(error: Exception) -> str:
    kind = "" if isinstance(error, Short) else f"{type(error).__name__}: "
    line = (str(error).splitlines() or [""])[0]
    return kind + (line if len(line) <= 80 else f"{line[:79].rstrip()}…")


class Slip(Exception):
    """A mistake of a probe."""


# The probes: each is given a library and a generator, and raises, or returns a number, or nothing.


def whole_array(lib: Library, rng: np.random.Generator) -> None:
    x, gamma, beta, dy = batch(rng)
    agree(lib.vjp(composed(lib.sqrt), x, gamma, beta)[1](dy), by_hand(x, gamma, beta, dy), 1e-9)


def single_numbers(lib: Library, rng: np.random.Generator) -> None:
    """Use arrays of objects, whose entries NumPy adds and multiplies one by one."""
    x, gamma, beta, dy = batch(rng)

    def loss(*numbers):
        x, gamma, beta = boxed(numbers[:12], 4, 3), boxed(numbers[12:15]), boxed(numbers[15:])
        centered = x - x.sum(0) / 4
        var = (centered * centered).sum(0) / 4
        y = gamma * (centered / (var + 1e-5) ** 0.5) + beta
        return (boxed(dy.ravel().tolist(), 4, 3) * y).sum()

    numbers = [number for array in (x, gamma, beta) for number in array.ravel().tolist()]
    found = np.array([float(g) for g in lib.vjp(loss, *numbers)[1](None)])
    agree([found], [np.concatenate([g.ravel() for g in by_hand(x, gamma, beta, dy)])], 1e-9)


def second_derivative(lib: Library, rng: np.random.Generator) -> None:
    x, gamma, beta, dy = batch(rng)
    v, h = rng.normal(size=x.shape), 1e-5
    batch_norm = of_first(lib, composed(lib.sqrt), gamma, beta)
    found = lib.vjp(lambda x: lib.gradient(batch_norm, x, dy), x)[1](v)
    up, down = (by_hand(x + step * v, gamma, beta, dy)[0] for step in (h, -h))
    agree(found, [(up - down) / (2 * h)], 1e-6)


def jacobian_times_vector(lib: Library, rng: np.random.Generator) -> None:
    x, gamma, beta, v = batch(rng)
    plain, h = composed(np.sqrt), 1e-5
    found = lib.jvp(of_first(lib, composed(lib.sqrt), gamma, beta), x, v)
    up, down = (plain(x + step * v, gamma, beta) for step in (h, -h))
    agree([found], [(up - down) / (2 * h)], 1e-6)


def jacobian_and_hessian(lib: Library, rng: np.random.Generator) -> None:
    """Use the squares times the sum, and the sum of the cubes, squared."""
    x = rng.normal(size=4)
    slopes = np.diag(2 * x * x.sum()) + np.outer(x * x, np.ones(4))
    agree([lib.jacobian(lambda x: x * x * x.sum(), x)], [slopes])
    bends = np.diag(12 * x * (x**3).sum()) + 18 * np.outer(x * x, x * x)
    agree([lib.hessian(lambda x: (x * x * x).sum() ** 2, x)], [bends])


def float32(lib: Library, rng: np.random.Generator) -> None:
    x, gamma, beta, dy = (array.astype(np.float32) for array in batch(rng))
    batch_norm = of_first(lib, composed(lib.sqrt), gamma, beta)
    y, pull, _ = lib.vjp(lambda x: lib.relu(batch_norm(x)), x)
    for what, array in {"value": y, "gradient": pull(dy)[0]}.items():
        if np.asarray(array).dtype != np.float32:
            raise Short(f"the {what} is {np.asarray(array).dtype}")


def numpy_names(lib: Library, rng: np.random.Generator) -> None:
    x, _, dy, _ = batch(rng)
    found = lib.vjp(lambda x: np.sqrt(np.mean(np.square(x), axis=0)), x)[1](dy)
    agree(found, [dy * x / (4 * np.sqrt(np.mean(x * x, axis=0)))])


def as_numpy_has_them(lib: Library, rng: np.random.Generator) -> None:
    x, y, dy, g = (rng.normal(size=shape) for shape in ((4, 3), (2, 3), (4, 2), 3))
    agree(lib.vjp(lambda x: lib.var(x, 0), x)[1](g), [g * (x - x.mean(axis=0)) / 2])
    agree(lib.vjp(lambda x: lib.xp.linalg.norm(x), x)[1](ONE), [x / np.linalg.norm(x)])
    product = of_first(lib, lambda x, y: lib.xp.einsum("ij,kj->ik", x, y), y)
    agree(lib.vjp(product, x)[1](dy), [dy @ y])


def written_into(lib: Library, rng: np.random.Generator) -> None:
    x, _, _, dy = batch(rng)

    def all_but_the_first(x):
        y = x * x
        y[0] = 0
        return y

    agree(lib.vjp(all_but_the_first, x)[1](dy), [[[0], [2], [2], [2]] * x * dy])


def own_rule(lib: Library, rng: np.random.Generator) -> None:
    agree(lib.vjp(stairs(lib), 2.5)[1](3 * ONE), [7.5])


def stairs(lib: Library) -> Callable:
    """Make a function without a slope, and a rule for it that no library would find by itself."""
    return lib.own(lambda x: x // 1, lambda g, x: g * x)


def deep(lib: Library, rng: np.random.Generator) -> None:
    """Run in a process of its own, since recursion may crash it."""
    command = [sys.executable, "-m", "tests.bench.features", lib.name]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        raise Short((run.stderr.strip().splitlines() or ["the interpreter crashed"])[-1])


def chain(lib: Library) -> None:
    def negated(x):
        for _ in range(DEPTH):
            x = -x
        return x

    with no_collector():  # which would walk them all, again and again
        agree(lib.vjp(negated, 1.0)[1](None), [1])


def freed(lib: Library, rng: np.random.Generator) -> None:
    seen = []

    def power(x):
        h = x * x
        seen.append(weakref.ref(lib.anchor(h)))
        return h * h

    for when in ("before a backward", "after one"):
        with no_collector():
            held = lib.vjp(power, np.array([3.0]))
            if seen[-1]() is None:
                raise Slip(f"{lib.name}: what is looked at is no part of the graph")
            if when == "after one":
                held[1](np.ones(1))
            del held
            if seen[-1]() is not None:
                raise Short(f"it is still there, {when}")


def twice(lib: Library, rng: np.random.Generator) -> None:
    pull = lib.vjp(lambda a: a * a * a, 3.0)[1]
    agree([*pull(ONE), *pull(2 * ONE)], [27, 54])


def overwritten(lib: Library, rng: np.random.Generator) -> None:
    """Overwrite the array that a leaf was made from, and a constant."""
    for which in (None, 0, 1):
        a, c = rng.normal(size=(2, 4, 3))
        right, constant = 2 * a * c, lib.constant(c)

        def loss(x, which=which, arrays=(a, constant)):
            y = (x * x * arrays[1]).sum()
            if which is not None:
                arrays[which][...] = 7
            return y

        try:
            found = lib.vjp(loss, a)[1](None)
        except Exception:
            if which is None:
                raise
            continue  # an error does as well
        agree(found, [right])


# What makes a NaN, and what the error has to name. PyTorch looks for them on the way back.
NANS: dict[str, tuple[float, Callable]] = {
    "log": (-1.0, lambda lib: lib.xp.log),
    "sqrt": (-1.0, lambda lib: lib.sqrt),
    "div": (0.0, lambda lib: lambda x: x / x),
    "pow": (-1.0, lambda lib: lambda x: x**0.5),
}


def nans_forward(lib: Library, rng: np.random.Generator) -> str:
    found = [named(lib, function) for function in NANS if makes_nan(lib, function)]
    return f"{sum(found)} of {len(found)}"


def makes_nan(lib: Library, function: str) -> bool:
    """Tell whether a NaN appears without a check: micrograd has no log, and complex roots."""
    x, f = NANS[function]
    try:
        return bool(np.isnan(lib.vjp(f(lib), x)[0]))
    except ArithmeticError:
        return True  # or would, if Python let it
    except AttributeError:
        return False


def named(lib: Library, function: str) -> bool:
    x, f = NANS[function]
    try:
        with lib.strict():
            lib.vjp(f(lib), x)[1](ONE)
    except Exception as error:
        return function in str(error).lower()
    return False


def nan_backward(lib: Library, rng: np.random.Generator) -> None:
    """Multiply 0 by the slope of a root at 0. The library may raise an error, or warn."""

    def root(x):
        return lib.sqrt(x)

    why = "a NaN, and no error"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            with lib.strict():
                lib.vjp(root, 0.0)[1](0 * ONE)
        except Exception as error:
            if any("return lib.sqrt(x)" in text for text in [str(error), *map(str, said)]):
                return
            why = in_a_line(error)
    raise Short(why)


def checker(lib: Library, rng: np.random.Generator) -> None:
    if not lib.check(lib.own(lambda x: x * x, lambda g, x: 2 * g * x), np.array([2.5])):
        raise Short("it rejects a right rule")
    if lib.check(lib.own(lambda x: x * x, lambda g, x: 4 * g * x), np.array([2.5])):
        raise Short("it accepts a rule of twice the right size")


def program(lib: Library, rng: np.random.Generator, alone: bool = False) -> None:
    """Run with the library alone; or, if ``alone``, as if the library were not installed."""
    *arrays, dy = batch(rng)
    source, name, call = lib.program(composed(lib.sqrt), arrays, dy)
    module = sys.modules[lib.package]
    space: dict[str, Any] = {} if alone else {lib.package: module}
    try:
        sys.modules[lib.package] = None if alone else module  # type: ignore[assignment]
        exec(source, space)
        found = call(space[name], arrays, dy)
    except (ImportError, NameError) as error:
        raise Short(str(error)) from None
    finally:
        sys.modules[lib.package] = module
    agree(found, by_hand(*arrays, dy), 1e-9)


def program_alone(lib: Library, rng: np.random.Generator) -> None:
    program(lib, rng, alone=True)


def operands_recorded(lib: Library, rng: np.random.Generator) -> int:
    found = []

    def square(a):
        y = a * a
        found.append(lib.operands(y))
        return y

    lib.vjp(square, 3.0)
    return found[0]


def functions(lib: Library, rng: np.random.Generator) -> int | str:
    """Count NumPy's functions alone, not those that a library makes for its own use."""
    return len({*filter(is_numpys, [*lib.ruled(), *lib.composed()])}) or UNKNOWN


def methods(lib: Library, rng: np.random.Generator) -> str:
    """Count methods of arrays whose gradient is that of NumPy's own method."""
    found = [has_method(lib, name, args, rng) for name, args in METHODS.items()]
    return f"{sum(found)} of {len(found)}"


def has_method(lib: Library, name: str, args: tuple, rng: np.random.Generator) -> bool:
    x, v, h = rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), 1e-6
    up, down = (getattr(x + step * v, name)(*args) for step in (h, -h))
    dy = rng.normal(size=np.shape(up))
    try:
        slope = np.sum(v * lib.vjp(lambda x: getattr(x, name)(*args), x)[1](dy)[0])
        agree([slope], [np.sum(dy * (up - down)) / (2 * h)], 1e-6)
    except Exception:
        return False
    return True


# Methods of an array whose result has a slope, and their arguments.
METHODS: dict[str, tuple] = {
    **dict.fromkeys(("sum", "mean", "max", "min", "var", "std", "prod"), ()),
    **dict.fromkeys(("cumsum", "cumprod", "ravel", "flatten", "squeeze", "transpose"), ()),
    **dict.fromkeys(("trace", "diagonal"), ()),
    **{"reshape": (9,), "swapaxes": (0, 1), "clip": (-0.5, 0.5), "dot": (np.ones((3, 2)),)},
    **{"take": ([0, 2, 2], 0), "repeat": (2, 0), "compress": ([True, False, True], 0)},
}


def rules(lib: Library, rng: np.random.Generator) -> int | str:
    """Count all rules, those of functions that a library makes for its own use as well."""
    return len({*lib.ruled()}) or UNKNOWN


def lines(lib: Library, rng: np.random.Generator) -> int | str:
    folder = Path(sys.modules[lib.package].__file__ or "").parent
    texts = ((folder / file).read_text("utf-8") for file in lib.files)
    return sum(map(code_lines, texts)) or UNKNOWN


PROBES: dict[str, Callable] = {
    "arrays: the gradient of batch norm of (4, 3)": whole_array,
    "single numbers: the same, entry by entry": single_numbers,
    "the second derivative of batch norm": second_derivative,
    "a Jacobian times a vector": jacobian_times_vector,
    "a Jacobian, a Hessian": jacobian_and_hessian,
    "float32 stays float32: batch norm, then relu": float32,
    "NumPy's own functions: np.sqrt(np.mean(x))": numpy_names,
    "a variance, a norm, an einsum, as NumPy has them": as_numpy_has_them,
    "writing into an array is recorded: y[0] = 0": written_into,
    "a function of one's own, with a rule": own_rule,
    f"a chain of {DEPTH:,} operations": deep,
    "a dropped graph is freed without the collector": freed,
    "the same graph can be walked back twice": twice,
    "an array overwritten after use: an error, or right": overwritten,
    "NaNs going forward whose error names the function": nans_forward,
    "a NaN going back: traced to the line it is due to": nan_backward,
    "a gradient checker, which rejects a doubled rule": checker,
    "the backward can be printed as a program and run": program,
    "… by NumPy alone": program_alone,
    "operands recorded of a · a": operands_recorded,
    "methods of arrays with NumPy's gradient": methods,
    "functions of NumPy that get a gradient": functions,
    "functions with a rule, NumPy's and its own": rules,
    "lines of code that record and differentiate": lines,
}


COUNTS = {operands_recorded, functions, rules, lines}  # of whose errors a "no" would say too much

# What the probes share


def batch(rng: np.random.Generator) -> list[np.ndarray]:
    """Return x, gamma, beta and the gradient that arrives."""
    return [rng.normal(size=shape) for shape in ((4, 3), 3, 3, (4, 3))]


def by_hand(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, dy: np.ndarray) -> tuple:
    return closed_form.backward(dy, closed_form.forward(x, gamma, beta)[1])


def of_first(lib: Library, f: Callable, *constants: np.ndarray) -> Callable:
    fixed = [lib.constant(array) for array in constants]
    return lambda x: f(x, *fixed)


def boxed(numbers: Sequence, *shape: int) -> np.ndarray:
    box = np.empty(len(numbers), object)
    for i, number in enumerate(numbers):
        box[i] = number
    return box.reshape(shape or -1)


def agree(found: Sequence, expected: Sequence, tolerance: float = 1e-12) -> None:
    for one, other in zip(found, expected, strict=True):
        if np.shape(one) != np.shape(other):
            raise Short(f"the gradient has shape {np.shape(one)}, not {np.shape(other)}")
        apart = np.max(np.abs(np.asarray(one) - other))
        if not apart <= tolerance:  # NaN too is too much
            raise Short(f"the gradient is {apart:.1e} from the right one")


def is_numpys(function: Callable) -> bool:
    module = getattr(function, "__module__", None) or ""
    return isinstance(function, np.ufunc) or module.partition(".")[0] == "numpy"


@contextmanager
def no_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def silence() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


if __name__ == "__main__":
    chain(LIBRARIES[sys.argv[1]]())

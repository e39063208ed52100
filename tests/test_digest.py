"""What an experiment is: its code, and what that uses; nothing that changes by chance."""

import os
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

from microbn import nn
from microbn.lab.digest import digest

CODE = '''
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from threading import Lock
import numpy as np
from microbn import Tensor
from microbn.lab.data import spirals
from microbn.nn import BatchNorm, Module

STEPS = 300
NETS = {"plain": None, "normed": BatchNorm}
NAMES = {"relu", "tanh", "gelu", "silu"}
WEIGHTS = np.array([1.0, 2.0])
NESTED = [[1, 2], (3, [4])]
NESTED.append(NESTED)
RNG = np.random.default_rng(0)
PARAMETER = Tensor([1.0, 2.0], name="p")
FOLDER = Path("data")
HALF = Fraction(1, 2)
LOG = Lock()
later = (i for i in range(3))


class Kind(Enum):
    LARGE = 1


class Base(Module):
    def rate(self):
        return 0.1


class Net(Base):
    depth = 2

    def __init__(self):
        self.width = 64

    @property
    def size(self):
        return self.width * 2

    @staticmethod
    def area(r):
        return r * r

    @classmethod
    def made(cls):
        return cls()

    def forward(self, x):
        return x * 3


@dataclass
class Setting:
    size: int = 4


@cache
def loaded(seed):
    return spirals(seed, n=100)


def scaled(x, by=2, *, shift=5):
    return x * by + shift


def helper(x):
    # This comment does not count.
    return [scaled(y) for y in x]


def made(power):
    return lambda x: x**power


CUBE = made(7)
TWICE = partial(scaled, by=8)
SETTING = Setting(9)
NET = Net()


def experiment(seed, net):
    """Train."""
    model = Net(), NETS[net], NAMES, WEIGHTS, NESTED, RNG, PARAMETER, CUBE, TWICE, SETTING, NET
    kinds = Kind.LARGE, FOLDER, HALF, LOG, later
    if "a" in {"a", "b", "c"}:
        return {"score": helper([STEPS, loaded(seed)])}
'''


def defined(code):
    names = {"__name__": "students"}
    exec(code, names)
    return names["experiment"]


WORD = digest(defined(CODE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("STEPS = 300", "STEPS = 301"),
        ('"normed": BatchNorm', '"normed": Module'),
        ('"tanh", ', ""),
        ("WEIGHTS = np.array([1.0, 2.0])", "WEIGHTS = np.array([1.0, 2.5])"),
        ("np.array([1.0, 2.0])", "np.array([1.0, 2.0], np.float32)"),
        ("(3, [4])", "(3, [5])"),
        ("default_rng(0)", "default_rng(1)"),
        ("Tensor([1.0, 2.0]", "Tensor([1.0, 3.0]"),
        ('Path("data")', 'Path("dat")'),
        ("Fraction(1, 2)", "Fraction(1, 3)"),
        ("LARGE = 1", "LARGE = 2"),
        ("return 0.1", "return 0.2"),
        ("depth = 2", "depth = 3"),
        ("width = 64", "width = 65"),
        ("width * 2", "width * 3"),
        ("r * r", "r + r"),
        ("return cls()", "return cls"),
        ("x * 3", "x * 4"),
        ("Net(Base)", "Net(Module)"),
        ("size: int = 4", "size: int = 5"),
        ("n=100", "n=101"),
        ("by=2", "by=3"),
        ("shift=5", "shift=6"),
        ("x * by + shift", "x * by - shift"),
        ("x**power", "x*power"),
        ("made(7)", "made(8)"),
        ("by=8", "by=9"),
        ("Setting(9)", "Setting(8)"),
        ('"b", "c"', '"b"'),
        ('"score"', '"power"'),
        ("helper([STEPS", "helper([1"),
        ("seed, net", "net, seed"),
        ("300", "300.0"),
        ("300", "True"),
        ("= 300", "= '300'"),
    ],
)
def test_another_code_or_value_is_another_experiment(old, new):
    assert old in CODE
    assert digest(defined(CODE.replace(old, new, 1))) != WORD


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# This comment does not count.", "# Nor does this one."),
        ("STEPS = 300", "\n\nSTEPS = (300)\nUNUSED = 5"),
        ("return x * 3", "return (\n            x\n            * 3\n        )"),
        ("Fraction(1, 2)", "Fraction(2, 4)"),
    ],
)
def test_layout_comments_and_what_is_not_used_do_not_count(old, new):
    assert old in CODE
    assert digest(defined(CODE.replace(old, new, 1))) == WORD


def test_word_is_the_same_in_every_process(tmp_path):
    script = f"{CODE}\nfrom microbn.lab.digest import digest\nprint(digest(experiment))"
    (tmp_path / "script.py").write_text(script)
    runs = (tmp_path / "script.py",), ("-c", script), ("-c", "import script")
    words = {
        subprocess.run(
            [sys.executable, *map(str, command)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for command in runs
        for seed in "12"
    }
    assert words == {f"{WORD}\n"}


def test_lambdas_on_one_line_are_two_experiments():
    one, other = lambda seed: {"score": 1}, lambda seed: {"score": 2}
    assert digest(one) != digest(other)
    assert digest(one) == digest(lambda seed: {"score": 1})


def test_arguments_of_a_partial_and_attributes_of_an_object_count():
    from functools import partial

    class Trial:
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, seed):
            return {"score": self.rate}

        def method(self, seed):
            return {"score": self.rate}

    words = [
        digest(experiment)
        for rate in (0.1, 0.2)
        for experiment in (partial(max, rate), partial(min, rate), Trial(rate), Trial(rate).method)
    ]
    assert len({*words}) == 8
    assert digest(Trial(0.1)) == digest(Trial(0.1))


def test_what_is_taken_from_a_module_of_the_users_own_counts(monkeypatch):
    def written(code):
        module = ModuleType("own_helpers")
        monkeypatch.setitem(sys.modules, "own_helpers", module)
        exec(code, vars(module))
        names = {"__name__": "students"}
        exec("import own_helpers\nexperiment = lambda seed: own_helpers.trained(seed)", names)
        return digest(names["experiment"])

    code = "def trained(seed): return seed * RATE\nRATE = 2\ndef other(): return 5"
    assert written(code) == written(code.replace("5", "6"))
    assert written(code) != written(code.replace("2", "3"))


def test_another_version_of_a_package_is_another_experiment(monkeypatch):
    def experiment(seed):
        return {"score": np.sqrt(seed)}

    before = digest(experiment)
    monkeypatch.setattr(np, "__version__", "1.0")
    assert digest(experiment) != before


def test_whatever_an_experiment_holds_has_a_word():
    class Strange:
        def __reduce_ex__(self, protocol):
            raise RuntimeError("not me")

    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm(3))
    things = [Strange(), deep, model, model(np.ones((4, 2))), sys, np.ma.array([1.0]), "\udc80"]
    things += [np.array([None, 1], object), np.float32(1), print, {1: {2}}, ...]
    words = [digest(lambda seed, thing=thing: thing) for thing in things]
    assert len({*words}) == len(things)

    def recursive(seed):
        return recursive(seed) or later

    assert digest(recursive) == digest(recursive)
    later = recursive


def test_recursive_structures_of_equal_shape_have_one_word():
    def loop():
        one: list = [1]
        one.append(one)
        return lambda seed: one

    assert digest(loop()) == digest(loop())

"""The digest of an experiment: another source or another value has another digest."""

import os
import subprocess
import sys
from functools import partial, wraps

import numpy as np
import pytest

from microbn import errors, nn
from microbn.lab.digest import digest


def made(factor, shift=lambda x: x + 1):
    def experiment(seed, offset=2):
        return {"score": shift(seed) * factor + offset}

    return experiment


def twice(experiment):
    @wraps(experiment)
    def wrapped(seed):
        return {"score": 2 * experiment(seed)["score"]}

    return wrapped


def thrice(experiment):
    @wraps(experiment)
    def wrapped(seed):
        return {"score": 3 * experiment(seed)["score"]}

    return wrapped


class Trial:
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, seed):
        return {"score": self.rate * seed}

    def method(self, seed):
        return {"score": self.rate * seed}


OTHERS = {
    "a value of a closure": lambda: made(3),
    "a function of a closure": lambda: made(2, lambda x: x + 2),
    "an array of a closure": lambda: made(np.array([2.0, 3.0])),
    "another array of a closure": lambda: made(np.array([2.0, 4.0])),
    "a partial": lambda: partial(made(2), offset=2),
    "another argument of a partial": lambda: partial(made(2), offset=3),
    "a class among the arguments": lambda: partial(made(2), offset=nn.BatchNorm),
    "another class": lambda: partial(made(2), offset=nn.LayerNorm),
    "an object": lambda: Trial(1.0),
    "an object with another attribute": lambda: Trial(2.0),
    "a method": lambda: Trial(1.0).method,
    "a method of another object": lambda: Trial(2.0).method,
    "a model in a closure": lambda: made(nn.Linear(2, 3, rng=0)),
    "a model of other weights": lambda: made(nn.Linear(2, 3, rng=1)),
    "another function": lambda: lambda seed: {"score": seed},
    "one that stands on the same line": lambda: (lambda s: {"a": s}, lambda s: {"a": -s})[0],
    "the other one": lambda: (lambda s: {"a": s}, lambda s: {"a": -s})[1],
    "one that is wrapped": lambda: twice(made(2)),
    "one that is wrapped otherwise": lambda: thrice(made(2)),
    "a call of another function": lambda: lambda seed: {"score": np.sin(seed)},
    "a call of yet another": lambda: lambda seed: {"score": np.cos(seed)},
    "a function of NumPy": lambda: partial(np.multiply, 2),
}


def test_each_of_these_is_an_experiment_of_its_own():
    words = {name: digest(make()) for name, make in {"": lambda: made(2), **OTHERS}.items()}
    assert len({*words.values()}) == len(words)


@pytest.mark.parametrize("name", OTHERS)
def test_made_once_more_it_is_the_same(name):
    assert digest(OTHERS[name]()) == digest(OTHERS[name]())


def test_code_without_a_source_counts_and_its_layout_does_not():
    def defined(text):
        names: dict = {}
        exec(text, names)
        return names["experiment"]

    one, other = (f"def experiment(s):\n    return [{n} for x in s]" for n in (1, 2))
    apart = "def experiment(s):\n    # one for each\n\n    return [1 for x in s]"
    assert digest(defined(one)) == digest(defined(apart)) != digest(defined(other))


def test_a_name_of_a_closure_that_is_not_there_yet_is_no_fault():
    def experiment(seed):
        return later

    assert digest(experiment)
    later = 1


def test_a_value_that_cannot_be_told_from_another_is_refused():
    with pytest.raises(errors.ArgumentError, match=r"holds <generator .* cannot be pickled"):
        digest(made(x for x in "ab"))


def test_a_function_that_calls_itself_has_a_word():
    def recursive(seed):
        return recursive(seed)

    assert digest(recursive) == digest(recursive)


def test_the_word_is_the_same_in_every_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from microbn.lab.digest import digest\n"
        "def made(kinds, names):\n    return lambda seed: {'score': kinds[names]}\n"
        "print(digest(made({'a': {1.0}}, ('b', frozenset('abc')))))\n"
    )
    words = {
        subprocess.run(
            [sys.executable, script],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(words) == 1

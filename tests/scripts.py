"""Run compiled programs as JavaScript on a page, and compare what they return with NumPy."""

import re
from base64 import b64encode
from hashlib import sha256
from itertools import chain

import numpy as np
from browser import watch

RUN = """
const told = (x) => (Array.isArray(x) ? x.map(told) : { shape: x.shape, data: [...x.data] });
const run = (f) => {
  try {
    return told(f());
  } catch (error) {
    return String(error);
  }
};
"""


class Scripts:
    """A page with a strict policy. Called with scripts and their operands, it runs all of them."""

    def __init__(self, browser, folder):
        self.context, self.file = browser.new_context(), folder / "scripts.html"
        self.troubles = []

    def __call__(self, scripts):
        runs = ",\n".join(f"run(() => {{\n{call(*one)}\n}})" for one in scripts)
        whole = f'"use strict";\n{RUN}const answers = [{runs}];'
        digest = b64encode(sha256(whole.encode()).digest()).decode()
        policy = f"default-src 'none'; script-src 'sha256-{digest}'"
        head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        text = f'<!doctype html><meta charset="utf-8">{head}<script>{whole}</script>'
        self.file.write_text(text, "utf-8")
        page = self.context.new_page()
        watch(page, self.troubles.append, self.file.as_uri())
        page.goto(self.file.as_uri())
        assert self.troubles == []
        return page.evaluate("() => answers")


def call(text, operands):
    """Return a script, and the call of its function with these operands."""
    name = re.search(r"^function (\w+)\(", text, re.MULTILINE)[1]
    return f"{text}\nreturn {name}({', '.join(map(text_of, operands))});"


def text_of(array):
    """Write an operand as JavaScript: nested lists, or an object if it is empty."""
    if isinstance(array, str):  # it is JavaScript already
        return array
    array = np.asarray(array)
    if not array.size:
        return f"{{shape: {[*array.shape]}, data: []}}"
    words = {"nan": "NaN", "inf": "Infinity", "True": "true", "False": "false"}
    return re.sub("|".join(words), lambda found: words[found[0]], repr(array.tolist()))


def flat(results):
    return [*chain(*map(flat, results))] if isinstance(results, (tuple, list)) else [results]


def as_array(answer):
    assert isinstance(answer, dict), answer
    return np.array(answer["data"], float).reshape(answer["shape"])


def gap(answers, results):
    """Return the largest gap, relative to the largest result; infinity where the kinds differ.

    It is relative to all results together, because a gradient that is 0 is nothing but rounding.
    """
    found, expected = [*map(as_array, answers)], [np.asarray(x, float) for x in results]
    if [x.shape for x in found] != [x.shape for x in expected]:
        return np.inf
    one, other = (np.concatenate([x.ravel() for x in xs]) for xs in (found, expected))
    finite = np.isfinite(other)
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return np.inf
    one, other = one[finite], other[finite]
    return np.max(np.abs(one - other), initial=0) / np.max(np.abs(other), initial=1e-300)


def check(run, programs, tolerance=1e-12):
    """Check that each program's script returns what the program returns."""
    answers = run([(program.javascript, operands) for _, program, operands in programs])
    wrong = {}
    for (name, program, operands), answer in zip(programs, answers, strict=True):
        with np.errstate(all="ignore"):
            expected = flat(program(*operands))
        found = flat(answer)
        if isinstance(answer, str) or len(found) != len(expected):
            wrong[name] = answer
        else:
            far = gap(found, expected)
            wrong |= {} if far <= tolerance else {name: far}
    assert wrong == {}, wrong

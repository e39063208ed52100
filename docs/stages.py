"""Batch norm's backward, gradient by gradient: by hand, on the graph, in the compiled program."""

import re
from inspect import getsource

import numpy as np

import microbn as mb
from microbn import Tensor, closed_form, functional
from microbn.cli.targets import told
from microbn.lab import tour
from microbn.lab.data import digits
from microbn.view.mathml import mathml


def stages():
    """Return the name and rows of text for each gradient that `backward_staged` derives."""
    operation, rows = "", {}
    _, staged = getsource(closed_form.backward_staged).split('d = {"y": dy}\n')
    for line in map(str.strip, staged.splitlines()):
        if line.startswith("#"):
            operation = line.removeprefix("# ")
        elif (found := re.match(r'd\["(\w+)"\]', line)) and found[1] != "scaled":  # this is dy
            rows[found[1]] = {"goes into": operation, "by hand": f"`{line}`"}
    columns = {
        "in mathematics": typeset_lines(),
        "on the graph": received_parts(),
        "in the program": program_lines(),
        "apart": distances(),
    }
    for heading, texts in columns.items():
        for name in rows.keys() | texts.keys():  # none may be left over on either side
            rows[name][heading] = texts[name]
    return list(rows.items())


def received_parts():
    """Return the parts that every named value receives in the story, as ``(step, sentence)``.

    The parts of a value without a name count for the next value that has one.
    """
    story = told("batchnorm")
    names = {node.id: node.name for node in story.graph.nodes}
    found, on_the_way = {}, []
    for step in story:
        for part in step.parts:
            on_the_way.append((step.number, part.sentence))
            if name := names[part.receiver]:
                found.setdefault(name, []).extend(on_the_way)
                on_the_way = []
    del found["scaled"], found["y"]  # by hand these are dy, which is given
    return found


def typeset_lines():
    """Return the lines ∂L/∂x = ... of the story, as MathML, by the value that they are about.

    A sum of two parts is one line. A line about a value without a name counts for the next.
    """
    story = told("batchnorm")
    names = {node.id: node.name for node in story.graph.nodes}
    found, on_the_way = {}, []
    for step in story:
        for part, line in zip(step.parts, step.math[1:], strict=True):
            if part.received == part.expected:
                on_the_way.append(mathml(line))
            if on_the_way and (name := names[part.receiver]):
                found[name], on_the_way = "".join(on_the_way), []
    del found["scaled"], found["y"]
    return found


def program_lines():
    """Return the lines of the compiled backward, by the value whose gradient they make."""
    rng = np.random.default_rng(0)
    given = {"x": (4, 3), "gamma": 3, "beta": 3}
    examples = (Tensor(rng.normal(size=shape), name) for name, shape in given.items())
    source = mb.compile(functional.batch_norm, *examples, cotangent=np.ones((4, 3))).source
    found = {}
    for line in source.split("# backward\n")[1].splitlines()[:-1]:
        statement = line.partition("  #")[0].strip()
        name = re.match(r"d_(\w+?)(_\d+)? = ", statement)[1]
        found.setdefault(name, []).append(f"`{statement}`")
    return found


def distances():
    """Say how far each gradient is from the others, at most, on 32 digits, as in the tour."""
    y = tour.batch_norm_on_digits(digits(0), samples=32, features=8)
    rows = (row for row in tour.agreement(y, tour.cotangent(y)) if row["name"] != "scaled")
    text = "{staged:.2g} from the one by hand, {numeric:.1e} from finite differences"
    return {row["name"]: text.format(**row) for row in rows}

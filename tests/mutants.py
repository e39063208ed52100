"""Mutation testing: cosmic-ray plants faults in a copy of the project, one at a time.

A mutant that no test rejects survives: it changes nothing that matters, or it is a hole in the
tests. `TESTS` says which tests a mutant has to pass. Each process works in a copy of its own, so
several can run at once on different modules.
"""

import argparse
import ast
import re
import sys
import time
from collections import Counter
from contextlib import chdir
from itertools import islice
from pathlib import Path
from random import Random
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_and_test, mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import use_db
from rich import print
from rich.progress import track
from rich.text import Text

PACKAGE = Path(__file__).parents[1] / "microbn"
RECORDING = "engine/tensor engine/leaving engine/mode engine/interrupts faults engine/machine"
# The tests of a module, or of all other modules of a wing, the fastest first.
TESTS = {
    "engine/rules": "engine/rules numerics engine/machine",
    "engine": f"{RECORDING} reading/symbol reading/formula engine/backward engine/rules",
    "closed_form": "batch_norm",
    "functional": "functional faults batch_norm numerics nn/norms",
    "optim": "optim faults nn/parts",
    "nn/norms": "nn/parts faults numerics nn/norms",
    "nn": "nn/parts nn/layers nn/module faults optim",
    "program": "program/program_runs program/compile program/constants program/passes",
}
SLOW = "not a_million_nodes"


def modules_of(names):
    """List the modules that are named, and those of the wings that are named."""
    places = [PACKAGE / name for name in names]
    files = [file for p in places for file in (sorted(p.rglob("*.py")) if p.is_dir() else [p])]
    modules = [file.relative_to(PACKAGE).with_suffix("").as_posix() for file in files]
    return [module for module in dict.fromkeys(modules) if not module.endswith("__init__")]


def tests_of(module):
    """Return the test files of a module."""
    names = TESTS.get(module) or TESTS[module.partition("/")[0]]
    parts = (name.rpartition("/") for name in names.split())
    return " ".join(f"tests/{folder}{slash}test_{name}.py" for folder, slash, name in parts)


def mutations(modules):
    """List every mutation of these modules that cosmic-ray knows, always in the same order."""
    with use_db("session.sqlite") as session:
        init([Path(f"microbn/{module}.py") for module in modules], session, {})
        found = [mutation for item in session.work_items for mutation in item.mutations]
    return sorted(found, key=lambda m: (m.module_path, m.operator_name, m.occurrence))


def is_worth_a_run(mutation):
    """Return whether the mutant can run. Floats have no bits to shift, and | joins types."""
    if re.search("Bit|Shift", mutation.operator_name):
        return False
    code, operator = mutation.module_path.read_text(), get_operator(mutation.operator_name)()
    try:
        ast.parse(mutate_code(code, operator, mutation.occurrence))
    except SyntaxError:  # cosmic-ray takes the star of f(*args) for a product
        return False
    return True


def survives(mutations, tests, seconds):
    """Run these tests. Return whether they pass in time, and the diff or what they print."""
    command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider -k '{SLOW}' {tests}"
    result = mutate_and_test(mutations, command, seconds)
    change = re.findall(r"^[-+](?![-+]).*", result.diff or "", re.MULTILINE)
    return result.test_outcome != "killed", "\n".join(change) or result.output


def limit(tests):
    """Return the seconds that these tests may take with a mutant. Without one they have to pass."""
    start, (passed, printed) = time.monotonic(), survives([], tests, 900)
    if not passed:
        sys.exit(f"{printed}\n{tests} fail without a mutant")
    return 30 + 5 * (time.monotonic() - start)


def arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    named = {"nargs": "+", "metavar": "NAME", "help": "modules and wings, such as engine/rules nn"}
    parser.add_argument("--modules", default=[*TESTS], **named)
    parser.add_argument("--count", default="300", help="how many mutants, or all (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="draws the mutants (default: 0)")
    args = parser.parse_args()
    args.modules = modules_of(args.modules)
    for module in args.modules:
        if not (PACKAGE / f"{module}.py").exists() or not {module, module.split("/")[0]} & {*TESTS}:
            parser.error(f"{module}: no such module, or TESTS has no tests for it")
    args.count = None if args.count == "all" else int(args.count)
    return args


def main():
    args = arguments()
    tried, survived = Counter(), Counter()
    with TemporaryDirectory() as folder, chdir(folder):
        copytree(PACKAGE.parent, ".", ignore=ignore_patterns(".*", "_build"), dirs_exist_ok=True)
        sets = dict.fromkeys(map(tests_of, args.modules))
        limits = {tests: limit(tests) for tests in track(sets, "tests without a mutant")}
        found = mutations(args.modules)
        Random(args.seed).shuffle(found)
        try:
            for m in track([*islice(filter(is_worth_a_run, found), args.count)], "mutants"):
                module = m.module_path.relative_to("microbn").with_suffix("").as_posix()
                alive, change = survives([m], tests_of(module), limits[tests_of(module)])
                tried[module] += 1
                survived[module] += alive
                if alive:  # told at once, as a long run may be ended
                    print(Text(f"\n{module}.py:{m.start_pos[0]}\n{change}"))
        finally:
            print(*(f"\n{m}: {survived[m]} of {tried[m]} survived" for m in sorted(tried)), sep="")


if __name__ == "__main__":
    main()

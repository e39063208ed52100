"""Mutation testing: cosmic-ray plants faults in a copy of the project, one at a time.

A mutant that no test rejects survives: it changes nothing that matters, or it is a hole in the
tests. `TESTS` says which tests a mutant of each module has to pass.
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
from rich.table import Table
from rich.text import Text

TESTS = {
    "rules": "numerics rules",
    "backward": "context leaving interrupts faults rules backward",
    "functional": "functional faults numerics batch_norm norms",
    "norms": "parts faults numerics norms",
    "closed_form": "batch_norm",
    "primitives": "tensor scalar faults rules",
    "passes": "program constants passes",
    "optim": "optim faults",
    "module": "parts module nn faults",
    "parts": "parts module",
}


def mutations(modules):
    """List every mutation of these modules that cosmic-ray knows, always in the same order."""
    with use_db("session.sqlite") as session:
        init([Path(f"microbn/{module}.py") for module in modules], session, {})
        found = [mutation for item in session.work_items for mutation in item.mutations]
    return sorted(found, key=lambda m: (m.module_path, m.operator_name, m.occurrence))


def is_worth_a_run(mutation):
    """Tell whether the mutant can run. Floats have no bits to shift, and types are joined by |."""
    code, operator = mutation.module_path.read_text(), get_operator(mutation.operator_name)()
    try:
        ast.parse(mutate_code(code, operator, mutation.occurrence))
    except SyntaxError:  # cosmic-ray takes the star of f(*args) for a product
        return False
    return not re.search("Bit|Shift", mutation.operator_name)


def survives(mutations, module, seconds):
    """Run the module's tests. Return whether they pass in time, and the diff or what they print."""
    files = " ".join(f"tests/test_{name}.py" for name in TESTS[module].split())
    command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider {files}"
    result = mutate_and_test(mutations, command, seconds)
    change = re.findall(r"^[-+](?![-+]).*", result.diff or "", re.MULTILINE)
    return result.test_outcome != "killed", "\n".join(change) or result.output


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", nargs="+", choices=TESTS, default=[*TESTS])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    table, tried, survived, limits = Table("survivor", "change"), Counter(), Counter(), {}
    with TemporaryDirectory() as folder, chdir(folder):
        copytree(Path(__file__).parents[1], ".", ignore=ignore_patterns(".*"), dirs_exist_ok=True)
        for module in track(args.modules, "tests without a mutant"):
            start, (passed, printed) = time.monotonic(), survives([], module, 600)
            if not passed:
                sys.exit(f"{printed}\n{module}: its tests fail without a mutant")
            limits[module] = 30 + 5 * (time.monotonic() - start)
        found = mutations(args.modules)
        Random(args.seed).shuffle(found)
        try:
            for m in track([*islice(filter(is_worth_a_run, found), args.count)], "mutants"):
                module = m.module_path.stem
                alive, change = survives([m], module, limits[module])
                tried[module] += 1
                survived[module] += alive
                if alive:
                    table.add_row(f"{module}.py:{m.start_pos[0]}", Text(change))
        finally:
            print(table, *(f"{m}: {survived[m]} of {tried[m]} survived" for m in tried), sep="\n")


if __name__ == "__main__":
    main()

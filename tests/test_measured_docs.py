"""What README and the book say was measured was measured so; their tables and figures too."""

import re
import runpy
from importlib.util import find_spec

import numpy as np
import pytest
from pages import DEMOS, DOCS, ROOT, TEXTS, rows

from microbn.lab import claims
from microbn.lab.results import Results


def under(heading):
    """Return the part of README below a heading."""
    return re.split(r"^## ", TEXTS["README.md"].split(f"## {heading}\n")[1], flags=re.MULTILINE)[0]


MEASURED, APART = (
    [row for row in rows(part) if re.fullmatch(r"d\d\d|demo", row[0])]
    for part in TEXTS["docs/measured/claims.md"].split("## What depends on the processor")
)
CLAIMS, PROCESSORS = MEASURED[1:], APART[0][2:]


def test_claims_of_readme_are_the_measured_ones_and_none_that_failed_is_left_out():
    measured = [[claim, here, held] for _, claim, here, held, *_ in CLAIMS]
    heading, *claims = rows(under("What holds, and what does not"))
    assert heading == MEASURED[0][1:4]
    assert [row for row in claims if row not in measured] == []
    assert [row for row in measured if "no" in row[2] and row not in claims] == []


def test_columns_of_claims_stand_in_one_order():
    assert MEASURED[0] == ["demo", *list(claims.Claim.__annotations__)[:-1]]  # as in CSV files
    printed = (ROOT / "microbn" / "lab" / "demo.py").read_text(encoding="utf-8")
    assert str(MEASURED[0][1:]).replace("'", '"') in printed


def test_claims_that_depend_on_the_processor_are_marked_and_no_others():
    marked = [[demo, claim, here[:-2]] for demo, claim, here, *_ in CLAIMS if here[-1] == "†"]
    assert marked == [row[:3] for row in APART[1:]]
    assert PROCESSORS == ["haswell", "avx512", "baseline"]
    assert [row for row in APART[1:] if len(set(row[2:])) == 1] == []


def test_what_readme_says_of_other_processors_is_what_was_measured():
    text = under("What holds, and what does not")
    marked = [claim for claim, here, _ in rows(text) if here[-1] == "†"]
    said = text.split("The rows marked with †")[1].split("[All")[0]
    of_avx512, of_neither = (re.findall(r"\d\.\d+", part) for part in said.split("With neither"))
    assert len(of_avx512) == len(of_neither) == 4
    for name, numbers in ("avx512", of_avx512), ("baseline", of_neither):
        column = 2 + PROCESSORS.index(name)
        cells = [row[column] for row in APART[1:] if row[1] in marked]
        assert [n for n in numbers if n not in re.findall(r"\d\.\d+", " ".join(cells))] == []


def table(heading):
    """Return the rows of a table of measured/speed.md, without the rows below a contender's."""
    part = TEXTS["docs/measured/speed.md"].split(f"## {heading}\n")[1].split("\n## ")[0]
    return rows("\n".join(line for line in part.splitlines() if not line.startswith("|   ")))


def test_tables_beside_peers_in_readme_are_the_measured_ones_whole():
    features, training = table("Features, tried"), table("Training step")
    assert rows(under("Beside its peers")) == features + training


def test_what_readme_says_of_speed_is_what_was_measured():
    _, _, *contenders = table("Training step")
    times = {name: np.array(cells, float) for name, *cells in contenders}
    eager = times["microbn, eager"] / times["PyTorch, composed batch norm"]
    assert 1.15 < eager.max() < 1.3  # "up to a quarter more"
    assert times["microbn, compiled"].min() >= 0.9  # "or up to a tenth less"
    assert times["microbn, compiled"].max() <= 1.02  # "as much as the derivation by hand"


def test_what_readme_says_of_functions_and_rules_is_what_was_counted():
    (said,) = re.findall(
        r"(\d+) functions of NumPy get a gradient, and (\d+) functions have a rule",
        TEXTS["README.md"],
    )
    counted = {row[0].split(". ", 1)[-1]: row[1] for row in table("Features, tried")}
    names = "functions of NumPy that get a gradient", "functions with a rule, NumPy's and its own"
    assert [*said] == [counted[name] for name in names]


def test_table_of_claims_has_every_demo_and_no_gate_that_was_missed():
    assert sorted({row[0] for row in CLAIMS}) == [path.stem[:3] for path in DEMOS]
    for *_, held, gate, _ in CLAIMS:
        assert held == "yes" or gate.endswith("(only shown)")


NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?")


def prose(section):
    """Return the text of a section without its code, tables, commands and links' targets."""
    text = re.sub(r"^```.*?^```|^\|.*?$", "", section, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)


def unfounded(section, papers=TEXTS["docs/learn/papers.md"]):
    """Return the numbers in a section's prose that neither its demos nor the papers have."""
    demos = sorted(set(re.findall(r"gallery/(d\d\d_\w+)", section)))
    sources = [(ROOT / "demos" / f"{demo}.py").read_text(encoding="utf-8") for demo in demos]
    measured = [" ".join(row) for row in [*CLAIMS, *APART] if row[0] in {d[:3] for d in demos}]
    known = set(NUMBER.findall(" ".join([*sources, *measured, papers])))
    return [number for number in NUMBER.findall(prose(section)) if number not in known]


@pytest.mark.parametrize("page", ["purpose", "limits"])
def test_every_number_in_the_text_about_a_demo_is_one_of_its_numbers(page):
    sections = TEXTS[f"docs/learn/{page}.md"].split("\n## ")
    about = [section for section in sections if "gallery/d" in section]
    assert len(about) > 5
    assert {s.split("\n")[0]: unfounded(s) for s in about if unfounded(s)} == {}


def test_a_number_that_no_run_gave_is_seen():
    section = (
        "It grows 0.123 times, `0.9` ([demo](../gallery/d14_where_it_hurts)).\n```text\n77\n```"
    )
    assert unfounded(section) == ["0.123"]
    assert unfounded(section.replace("0.123", "1.21")) == []


CLAIM = {
    "demo": "d05_training_speed",
    "seeds": "0 to 4",
    "data": "digits",
    "quick": False,
    "claim": "trains faster",
    "textbook": "14 times",
    "here": "|2| times",
    "held": False,
    "gate": "≥ 3",
    "shown": True,
}


@pytest.fixture
def table_of(monkeypatch):
    """Give the function that makes the table, where d05 makes this many claims and is alone."""

    def of(count):
        cases = {"cases": dict.fromkeys(range(count))}
        monkeypatch.setattr(claims, "CLAIMS", {"d05_training_speed": [cases]})
        return runpy.run_path(str(DOCS / "claims.py"))["table"]

    return of


def test_table_of_claims_is_made_from_the_files_of_the_demos(table_of, tmp_path):
    table = table_of(1)
    with pytest.raises(SystemExit, match="holds no claims; run the demos"):
        table(tmp_path)
    Results([CLAIM]).save(tmp_path / "d05_training_speed.claims.csv")
    row = "| d05 | trains faster | \\|2\\| times | **no** | ≥ 3 (only shown) | 14 times |"
    assert table(tmp_path).splitlines()[-1] == row
    for other in ({"quick": True}, {"data": "mnist"}):
        Results([CLAIM | other]).save(tmp_path / "d05_training_speed.claims.csv")
        with pytest.raises(SystemExit, match="d05_training_speed was run with --quick or --data"):
            table(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (CLAIM | {"seeds": "7"}, "d05_training_speed was run with --first"),
        (CLAIM | {"seeds": "7 to 9"}, "d05_training_speed was run with --first"),
        ({k: v for k, v in CLAIM.items() if k != "quick"}, r"as a demo .* no column 'quick' among"),
        (CLAIM, "has 1 of d05_training_speed's 2 claims; run d05_training_speed with --save"),
        (CLAIM | {"demo": "d01"}, "has 0 of d05_training_speed's 2 claims"),
    ],
)
def test_table_of_claims_is_made_of_whole_runs_alone(row, message, table_of, tmp_path):
    Results([row]).save(tmp_path / "d05_training_speed.claims.csv")
    with pytest.raises(SystemExit, match=message):
        table_of(2)(tmp_path)


def test_table_of_claims_wants_all_that_the_measured_one_has(tmp_path):
    rows = [
        CLAIM | {"demo": path.stem, "claim": claim}
        for path in DEMOS
        for demo, claim, *_ in CLAIMS
        if demo == path.stem[:3]
    ]
    Results(rows).save(tmp_path / "d.claims.csv")
    table = runpy.run_path(str(DOCS / "claims.py"))["table"]
    assert table(tmp_path).count("\n| d") == 1 + len(CLAIMS)
    Results(rows[1:]).save(tmp_path / "d.claims.csv")
    with pytest.raises(SystemExit, match="claims; run d00_inside with --save"):
        table(tmp_path)


def test_claims_that_come_out_otherwise_on_another_processor_are_marked_and_listed(
    table_of, tmp_path
):
    table = table_of(2)
    folders = [tmp_path / name for name in ("haswell", "avx512", "baseline")]
    steady = CLAIM | {"claim": "steady", "held": True}
    for folder, here, held in zip(folders, "224", (True, True, False), strict=True):
        folder.mkdir()
        turns = CLAIM | {"here": f"{here} times", "held": held}
        Results([turns, steady]).save(folder / "d05_training_speed.claims.csv")
    assert "†" not in table(folders[0])
    first, below = table(*folders).split("\n## What depends on the processor\n")
    assert [line for line in first.splitlines() if "†" in line] == [
        "| d05 | trains faster | 2 times † | yes | ≥ 3 (only shown) | 14 times |"
    ]
    assert "as they come out on `haswell`" in below
    assert "The same claims are held on all of them" not in below
    assert below.splitlines()[-3:] == [
        "| demo | claim | haswell | avx512 | baseline |",
        "|:--|:--|:--|:--|:--|",
        "| d05 | trains faster | 2 times | 2 times | 4 times (not held) |",
    ]
    assert "The same claims are held on all of them" in table(*folders[:2])
    Results([steady, CLAIM | {"claim": "another"}]).save(folders[1] / "d05.claims.csv")
    (folders[1] / "d05_training_speed.claims.csv").unlink()
    with pytest.raises(SystemExit, match="do not hold the same claims; run all demos"):
        table(*folders)


@pytest.fixture
def pictures(monkeypatch, tmp_path):
    """Give the maker of the pictures, with runs that have all of them, and no browser."""
    pytest.importorskip("playwright", reason="playwright is missing: the pictures unchecked")
    made = runpy.run_path(str(DOCS / "pictures.py"))
    (runs := tmp_path / "runs").mkdir()
    for name in ("comparison.png", "batchnorm.svg", *(f"{demo.stem}.png" for demo in DEMOS)):
        (runs / name).touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    return made["main"]


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("comparison.png", "has no comparison.png; run the tour with --out"),
        ("d05_training_speed.png", "has no d05_training_speed.png; run all demos with --save"),
        ("d01_one_neuron.png", "needs a browser: one of chromium-headless-shell, chromium, "),
    ],
)
def test_pictures_are_copied_only_if_all_can_be_made(lost, message, pictures, tmp_path):
    (tmp_path / "runs" / lost).unlink()
    with pytest.raises(SystemExit, match=message):
        pictures(tmp_path / "runs", tmp_path / "images")
    assert not (tmp_path / "images").exists()


def test_the_figure_of_speed_shows_the_numbers_of_the_page():
    module = runpy.run_path(str(DOCS / "speed.py"))
    found = module["tables"](TEXTS["docs/measured/speed.md"])
    axes = module["drawn"](found).axes
    names = [label.get_text() for label in axes[0].get_yticklabels()]
    for ax, (title, (column, _)) in zip(axes, module["PANELS"].items(), strict=True):
        scale = 1e6 if column == "bytes" else 1
        drawn = {names[round(bar.get_y() + 0.4)]: bar.get_width() * scale for bar in ax.patches}
        numbers = {name: n for name, n in found[title][column].items() if name in names}
        assert drawn == pytest.approx(numbers)
        assert len(drawn) >= 5


@pytest.mark.parametrize("library", ["torch", "keras", "flax"])
def test_other_libraries_give_what_ours_does(library):
    if not find_spec(library):
        pytest.skip(f"{library} is not installed: unchecked")
    compare = runpy.run_path(str(DOCS / "learn" / "libraries" / "compare.py"))
    ours = compare["outcome"]("microbn")
    name = {package: name for name, package in compare["LIBRARIES"].items()}[library]
    apart = compare["differences"](compare["outcome"](name), ours)
    (shown,) = (row[1:] for row in rows(TEXTS["docs/measured/libraries.md"]) if row[0] == name)
    for found, cell in zip(apart, shown, strict=True):
        assert cell == "–" or np.isclose(found, float(cell), rtol=0.1, atol=1e-5)
    *equal, running_var, unbiased = apart
    assert max(equal) < (1e-14 if library == "torch" else 1e-6)
    if library == "torch":
        assert running_var < 1e-14
    else:
        assert running_var > 0.2
        assert unbiased < 1e-6


def test_a_library_that_computes_something_else_is_seen():
    compare = runpy.run_path(str(DOCS / "learn" / "libraries" / "compare.py"))
    ours = compare["outcome"]("microbn")
    for i, name in enumerate(ours):
        apart = compare["differences"](ours | {name: ours[name] + 1e-3}, ours)
        assert [d > 9e-4 for d in apart[:4]] == [j == i for j in range(4)]

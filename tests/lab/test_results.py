"""A table of results: its columns and medians, and its CSV file, whole or damaged."""

import re

import numpy as np
import pytest

from microbn import errors
from microbn.lab.results import Results

RESULTS = Results(
    [
        {"base": b, "name": n, "power": b**e, "powers": [b, np.inf], "wide": b > 2}
        for b in (2.0, 3.0)
        for e in (1, 2)
        for n in ("a", "1")
    ]
)


def test_columns_and_medians_of_chosen_rows():
    assert list(RESULTS.where(base=3, name="1")["power"]) == [3, 9]
    assert RESULTS.where(base=3)["powers"].shape == (4, 2)
    assert RESULTS.median("power", base=3) == 6
    assert RESULTS.distinct("name") == ["a", "1"]
    assert RESULTS.medians("base", "power", "wide") == {
        "2.0 power": 3,
        "2.0 wide": 0,
        "3.0 power": 6,
        "3.0 wide": 1,
    }


def test_columns_become_rows():
    long = RESULTS.where(name="a", power=9).long(["power", "wide"], "which", "value")
    assert long.rows == [
        {"base": 3.0, "name": "a", "powers": [3.0, np.inf], "which": "power", "value": 9.0},
        {"base": 3.0, "name": "a", "powers": [3.0, np.inf], "which": "wide", "value": True},
    ]


def test_table_with_no_rows_is_read_as_it_was_saved(tmp_path):
    Results([]).save(tmp_path / "t.csv")
    assert Results.load(tmp_path / "t.csv") == Results([])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{} is empty, it does not even name columns"),
        (b"a,b\n1,2\n3\n", r"line 3 of {}: 1 cells for the 2 columns \['a', 'b'\]"),
        (b"a,b\n1,2,3\n", r"line 2 of {}: 3 cells for the 2 columns"),
        (b"a,b\n1,2\n\n", r"line 3 of {}: 0 cells for the 2 columns"),
        (b"a,b,a\n1,2,3\n", r"line 1 of {}: two columns have the same name among \['a', 'b'"),
        (b'a,b\n1,"2"3\n', "line 2 of {}: ',' expected after"),
        (b'a,b\n1,"2\n3,4\n', "line 3 of {}: unexpected end of data"),
        (b"a,b\n1,2\n1,\xff\n", "line 3 of {} is not text: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_table_that_is_damaged_names_the_file_and_the_line(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(errors.ArgumentError, match=message.format(re.escape(str(path)))):
        Results.load(path)


def test_what_only_looks_like_json_is_text(tmp_path):
    rows = [{"a": "[" * 100_000}, {"a": "1" * 5000}]
    Results(rows).save(tmp_path / "t.csv")
    assert Results.load(tmp_path / "t.csv").rows == rows


def test_what_is_strange_to_csv_survives_it(tmp_path):
    rows = [{"k\r": text, "v": 1.5} for text in ("a\rb", 'one\n"two",', "", "null", "[1", "γ", "1")]
    rows += [{"k\r": value, "v": [0.1] * 40_000} for value in (None, True, 1, np.inf)]
    Results(rows).save(tmp_path / "t.csv")
    assert Results.load(tmp_path / "t.csv").rows == rows


def test_what_a_table_does_not_have_is_named():
    with pytest.raises(errors.ArgumentError, match=r"no row has \{'base': 4\}"):
        RESULTS.where(base=4)
    with pytest.raises(errors.ArgumentError, match=r"no row has \{'bse': 2\}"):
        RESULTS.where(bse=2)
    with pytest.raises(errors.ArgumentError, match="no column 'score' among"):
        RESULTS["score"]
    with pytest.raises(errors.ArgumentError, match="no column 'score' among"):
        RESULTS.long(["score"], "which", "value")
    with pytest.raises(errors.ArgumentError, match="'name' is 'a', which has no median"):
        RESULTS.median("name", name="a")
    with pytest.raises(errors.ArgumentError, match="lists of 'a' have lengths 1, 2 and no list"):
        Results([{"a": [1]}, {"a": [1, 2]}, {"a": 1}])["a"]
    with pytest.raises(errors.DTypeError, match=r"needs a list of dicts, got \[5\]"):
        Results([5])
    with pytest.raises(errors.ArgumentError, match="row 1 has the columns"):
        Results([{"a": 1}, {"b": 1}])

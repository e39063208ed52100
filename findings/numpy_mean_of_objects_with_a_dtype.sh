#!/usr/bin/env bash
# NumPy 2.4.6: np.mean of a whole object array gives an object of the entries' class, as np.sum
# does, unless that class has an attribute `dtype`. Then NumPy takes the mean for one of its own
# scalars and converts it by `dtype.type(...)`, which calls `__float__`: a plain float64 comes out,
# and whatever else the objects carried (a unit, an uncertainty, a gradient's history) is gone
# without a word. A mean along an axis keeps the objects.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q numpy==2.4.6
"$room/venv/bin/python" - > "$room/seen" <<'PY'
import numpy as np


class Length:
    """A number with a unit."""

    def __init__(self, metres):
        self.metres = metres

    def __add__(self, other):
        return Length(self.metres + other.metres)

    def __truediv__(self, number):
        return Length(self.metres / number)

    def __float__(self):
        return float(self.metres)


class TypedLength(Length):
    dtype = np.dtype(float)

    def __add__(self, other):
        return TypedLength(self.metres + other.metres)

    def __truediv__(self, number):
        return TypedLength(self.metres / number)


for kind in (Length, TypedLength):
    box = np.array([kind(1.0), kind(2.0)], dtype=object)
    whole, rows = np.mean(box), np.mean(box.reshape(1, 2), axis=1)
    print(kind.__name__, type(np.sum(box)).__name__, type(whole).__name__, type(rows[0]).__name__)
PY
diff "$room/seen" - <<'SEEN'
Length Length Length Length
TypedLength TypedLength float64 TypedLength
SEEN
echo "as seen: the mean of objects that have a dtype is a bare float64"

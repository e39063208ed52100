#!/usr/bin/env bash
# NumPy 2.4.6: `array[0] = thing` asks thing for its float. If `__float__` raises an error that says
# what to do instead, the user sees it only as the cause of another one, "setting an array element
# with a sequence.", provided that the class also has `__getitem__`; without that method the error
# comes through as it is. So a class that wants to refuse the conversion with a helpful message
# cannot, as soon as it can be indexed, and an `except TypeError` around it sees a ValueError.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q numpy==2.4.6
"$room/venv/bin/python" - > "$room/seen" <<'PY'
import numpy as np


class Measured:
    def __float__(self):
        raise TypeError("say which of the two readings is meant")


class Indexed(Measured):
    def __getitem__(self, index):
        raise IndexError(index)


array = np.zeros(2)
ways = {"array[0] =": lambda thing: array.__setitem__(0, thing), "array.fill": array.fill}
for kind in (Measured, Indexed):
    for name, fill in ways.items():
        try:
            fill(kind())
        except Exception as error:
            cause = type(error.__cause__).__name__
            print(f"{kind.__name__}, {name}: {type(error).__name__}: {error} | cause: {cause}")
PY
diff "$room/seen" - <<'SEEN'
Measured, array[0] =: TypeError: say which of the two readings is meant | cause: NoneType
Measured, array.fill: TypeError: say which of the two readings is meant | cause: NoneType
Indexed, array[0] =: ValueError: setting an array element with a sequence. | cause: TypeError
Indexed, array.fill: ValueError: setting an array element with a sequence. | cause: TypeError
SEEN
echo "as seen: with __getitem__, the error of __float__ becomes a ValueError about sequences"

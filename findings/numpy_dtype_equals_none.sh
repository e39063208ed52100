#!/usr/bin/env bash
# NumPy 2.4.6: np.dtype("float64") == None is True, since a dtype is compared with whatever
# np.dtype() makes of the other side, and np.dtype(None) is float64. So `x.dtype == other` says that
# a float64 array has the dtype of a thing whose own dtype is not known, and for float32 it does not.
# `None in {dtype: ...}` is False all the same, as the hashes differ.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q numpy==2.4.6
"$room/venv/bin/python" -W error - > "$room/seen" <<'PY'
import numpy as np

for name in ("float64", "float32", "int64"):
    dtype = np.dtype(name)
    print(name, dtype == None, None == dtype, None in [dtype], None in {dtype})  # noqa: E711
PY
diff "$room/seen" - <<'SEEN'
float64 True True True False
float32 False False False False
int64 False False False False
SEEN
echo "as seen: float64, and only float64, equals None"

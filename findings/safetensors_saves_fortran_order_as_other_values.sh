#!/usr/bin/env bash
# safetensors 0.8.0 with NumPy 2.4.6: safetensors.numpy.save_file writes an array's memory as it
# lies, and its shape, but not the order of its axes. An array in Fortran order, such as a transposed
# weight, comes back in the right shape with its entries in other places, without an error or a
# warning. Arrays in C order, and those without axes, come back as they were.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q numpy==2.4.6 safetensors==0.8.0
cd "$room"
"$room/venv/bin/python" -W error - > "$room/seen" <<'PY'
import numpy as np
from safetensors.numpy import load_file, save_file

weight = np.arange(6.0).reshape(2, 3)
given = {"as it is": weight, "transposed": weight.T, "Fortran": np.asfortranarray(weight)}
given |= {"transposed, copied": weight.T.copy(), "without axes": np.array(7.0)}
save_file(given, "weights.safetensors")
read = load_file("weights.safetensors")
for name, array in given.items():
    print(f"{name}: shape {read[name].shape == array.shape}, values {np.array_equal(read[name], array)}")
print(weight.T.tolist(), "became", read["transposed"].tolist())
PY
diff "$room/seen" - <<'SEEN'
as it is: shape True, values True
transposed: shape True, values False
Fortran: shape True, values False
transposed, copied: shape True, values True
without axes: shape True, values True
[[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]] became [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
SEEN
echo "as seen: what is not in C order comes back with its entries in other places"

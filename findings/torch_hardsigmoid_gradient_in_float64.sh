#!/usr/bin/env bash
# PyTorch 2.13.0: the gradient of torch.nn.functional.hardsigmoid in float64 is 1/6 rounded to float32,
# so that it is off by 5e-9 where float64 has 1e-17. The values are right, and so is the gradient of
# the same function written with clamp. gradcheck accepts it.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$room/venv/bin/python" -W ignore - > "$room/seen" <<'PY'
import torch
from torch.nn.functional import hardsigmoid

x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
for name, f in {"hardsigmoid": hardsigmoid, "clamp": lambda x: (x + 3).clamp(0, 6) / 6}.items():
    (slope,) = torch.autograd.grad(f(x).sum(), x)
    print(name, slope.dtype, slope.item(), f(x + 1).item(), torch.autograd.gradcheck(f, (x,)))
PY
diff "$room/seen" - <<'SEEN'
hardsigmoid torch.float64 0.1666666716337204 0.6666666666666666 True
clamp torch.float64 0.16666666666666666 0.6666666666666666 True
SEEN
echo "as seen: a gradient in float64 has the digits of float32"

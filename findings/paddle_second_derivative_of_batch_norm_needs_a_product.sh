#!/usr/bin/env bash
# PaddlePaddle 3.3.1, on a CPU: the second derivative of a batch norm in training can be computed if the
# first was taken of the product with the cotangent, and raises an error about a null pointer if the
# cotangent was given to paddle.grad, which is the same gradient. The tanh does not mind.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q paddlepaddle==3.3.1 setuptools
"$room/venv/bin/python" -W ignore - > "$room/seen" <<'PY'
import paddle

layer = paddle.nn.BatchNorm1D(1)
x = paddle.to_tensor([[0.0], [1.0], [4.0]], stop_gradient=False)
dy = paddle.to_tensor([[1.0], [2.0], [0.0]])
for name, f in {"tanh": paddle.tanh, "batch norm": layer}.items():
    first = {
        "given": paddle.grad(f(x), x, dy, create_graph=True)[0],
        "multiplied": paddle.grad((f(x) * dy).sum(), x, create_graph=True)[0],
    }
    for way, dx in first.items():
        try:
            second = paddle.grad((dx**2).sum(), x)[0]
            said = [round(entry, 1) + 0.0 for entry in second.ravel().tolist()]
        except ValueError as error:
            said = "ValueError: " + str(error).split("(InvalidArgument) ")[1].splitlines()[0]
        print(f"{name}, cotangent {way}: {said}")
PY
diff "$room/seen" - <<'SEEN'
tanh, cotangent given: [0.0, -2.1, 0.0]
tanh, cotangent multiplied: [0.0, -2.1, 0.0]
batch norm, cotangent given: ValueError: Required tensor shall not be nullptr, but received nullptr.
batch norm, cotangent multiplied: [0.0, 0.2, -0.2]
SEEN
echo "as seen: one way of saying it has a second derivative, and the other an error"

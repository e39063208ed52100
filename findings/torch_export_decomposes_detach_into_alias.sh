#!/usr/bin/env bash
# PyTorch 2.13.0: torch.export keeps detach(), and run_decompositions() makes an alias of it. Values
# are the same, but a gradient through the decomposed module flows where the module stopped it:
# x * x.detach() has the slope 3 at 3, and 6 after the decompositions.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$room/venv/bin/python" -W ignore - > "$room/seen" <<'PY'
import torch


class Stopped(torch.nn.Module):
    def forward(self, x):
        return x * x.detach()


x = torch.tensor([3.0], requires_grad=True)
exported = torch.export.export(Stopped(), (x.detach(),))
decomposed = exported.run_decompositions()
for name, program in {"exported": exported, "decomposed": decomposed}.items():
    calls = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    y = program.module()(x)
    print(name, calls, y.item(), torch.autograd.grad(y.sum(), x)[0].item())
print("module", torch.autograd.grad(Stopped()(x).sum(), x)[0].item())
PY
diff "$room/seen" - <<'SEEN'
exported ['aten.detach.default', 'aten.mul.Tensor'] 9.0 3.0
decomposed ['aten.alias.default', 'aten.mul.Tensor'] 9.0 6.0
module 3.0
SEEN
echo "as seen: the gradient that was stopped flows after run_decompositions()"

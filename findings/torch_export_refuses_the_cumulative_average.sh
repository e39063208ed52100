#!/usr/bin/env bash
# PyTorch 2.13.0: torch.export cannot export a BatchNorm1d(momentum=None) in training. This setting
# weights a batch by one over the number of batches, for which the layer reads its counter as a Python
# number. With a momentum, or in eval, the export works. The message names neither the layer nor the
# setting.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$room/venv/bin/python" -W ignore - > "$room/seen" <<'PY'
import torch

x = torch.randn(4, 3)
for momentum in (0.1, None):
    for training in (True, False):
        layer = torch.nn.BatchNorm1d(3, momentum=momentum).train(training)
        try:
            torch.export.export(layer, (x,))
            said = "exported"
        except Exception as error:
            text = str(error)
            said = f"{type(error).__name__}, names: {'momentum' in text}, {'BatchNorm1d' in text}"
        print(f"momentum={momentum}, training={training}: {said}")
PY
diff "$room/seen" - <<'SEEN'
momentum=0.1, training=True: exported
momentum=0.1, training=False: exported
momentum=None, training=True: GuardOnDataDependentSymNode, names: False, False
momentum=None, training=False: exported
SEEN
echo "as seen: the cumulative average cannot be exported in training"

#!/usr/bin/env bash
# Pyodide 0.28.3 (CPython 3.13.2): a list nested 8,000 times ends Python when it is freed. CPython frees
# what is nested one by one only from 10,000 calls of C code on, which no browser's stack holds (a
# worker of Chromium's ends at 4,000), and sys.setrecursionlimit does not change that. CPython 3.13 has
# the number in its thread's state, behind the limit of Python's own recursion: with 500 there, a
# million is freed.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cd "$room"
npm install --silent --no-audit --no-fund pyodide@0.28.3
node - <<'JS' | grep '^[0-9]' > seen  # not Pyodide's own report of its end
const { loadPyodide } = require("pyodide");
const nested = (depth) => `
x = []
for _ in range(${depth}): x = [x]
del x`;
const limited = `
import ctypes, sys
state = ctypes.pythonapi.PyThreadState_Get
state.restype = ctypes.c_void_p
numbers = (ctypes.c_int * 24).from_address(state())
numbers[list(numbers).index(sys.getrecursionlimit()) + 1] = 500`;

async function tried(words, code) {
  const python = await loadPyodide({ stderr() {} });
  try {
    python.runPython(code);
    console.log(words, "freed");
  } catch ({ message }) {
    console.log(words, message);
  }
}

console.error = () => {};
(async () => {
  console.log((await loadPyodide()).runPython("import sys; sys.version.split()[0]"));
  await tried("1,000:", nested(1_000));
  await tried("8,000:", nested(8_000));
  await tried("8,000, setrecursionlimit(100):", `import sys; sys.setrecursionlimit(100)${nested(8_000)}`);
  await tried("1,000,000, at most 500 calls of C code:", limited + nested(1_000_000));
})();
JS
diff seen - <<'SEEN'
3.13.2
1,000: freed
8,000: Maximum call stack size exceeded
8,000, setrecursionlimit(100): Maximum call stack size exceeded
1,000,000, at most 500 calls of C code: freed
SEEN
echo "as seen: what is nested deeper than the stack cannot be freed"

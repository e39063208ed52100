// Python, in a worker of its own: the page stays alive, and an endless loop can be stopped. The page
// puts Pyodide's own two scripts before this one, and sends its other files.

let python = null;
let inside = null;
const held = new Map(); // Pyodide's files, by name

// Pyodide asks for its files as of a server, and gets them from here.
globalThis.fetch = async (address) => {
  const name = String(address).split("/").pop();
  if (!held.has(name)) return new Response(null, { status: 404 });
  const type = name.endsWith("wasm") ? "application/wasm" : "application/octet-stream";
  return new Response(held.get(name), { headers: { "Content-Type": type } });
};

const tell = (message) => postMessage(message);

async function start({ files, lock, archive }) {
  for (const [name, content] of files) held.set(name, content);
  tell({ stage: "python" });
  const from = "http://held/";
  python = await loadPyodide({ indexURL: from, packageBaseUrl: from, lockFileContents: JSON.stringify(lock) });
  tell({ stage: "numpy" });
  await python.loadPackage("numpy", { checkIntegrity: false, messageCallback: () => {} });
  tell({ stage: "microbn" });
  const site = python.runPython("import site; site.getsitepackages()[0]");
  python.unpackArchive(archive, "zip", { extractDir: site });
  held.clear();
  for (const [stream, set] of [["out", python.setStdout], ["err", python.setStderr]])
    set.call(python, { write: (bytes) => write(stream, bytes), isatty: false });
  python.pyimport("microbn.workshop.inside").unbuffer_streams();
  python.setInterruptBuffer(sendWhileItRuns);
  python.pyimport("microbn.workshop.depth").keep_within_the_stack();
  inside = python.pyimport(insideName); // a line before this script says which room it is
  tell({ ready: true });
}

// Output is sent at once, since an endless loop would keep it. A flood is sent four times a second, and
// what is more than the page shows is dropped here: `lost` counts its lines.
const MOST_WAITING = 60000; // characters, as many as output.js shows
const MOST_AT_ONCE = 1000; // messages of a call, before a flood is slowed down
const decoders = { out: new TextDecoder(), err: new TextDecoder() }; // a write may end within a character
const flood = { waiting: [], size: 0, left: MOST_AT_ONCE, since: 0 };

function write(stream, bytes) {
  const text = decoders[stream].decode(bytes, { stream: true });
  const last = flood.waiting.at(-1);
  if (last?.stream === stream && last.text.length < 20000) last.text += text;
  else flood.waiting.push({ text, stream, lost: 0 });
  flood.size += text.length;
  while (flood.size > MOST_WAITING && flood.waiting.length > 1) dropOldest();
  const now = performance.now();
  flood.left = Math.min(MOST_AT_ONCE, flood.left + (now - flood.since) / 250);
  flood.since = now;
  if (flood.left >= 1) flush();
  return bytes.length;
}

// Python reads entry 0 again and again to see whether it has to stop, even in a loop that prints
// nothing. This sends what a flood has left waiting before the reader can press Stop.
const sendWhileItRuns = {
  get 0() {
    if (flood.waiting.length && performance.now() - flood.since > 250) flush();
    return 0; // it is not to stop
  },
  set 0(_) {},
};

function dropOldest() {
  const { text, lost } = flood.waiting.shift();
  flood.size -= text.length;
  flood.waiting[0].lost += lost + text.split("\n").length - 1;
}

function flush() {
  if (flood.waiting.length) tell({ texts: flood.waiting });
  Object.assign(flood, { waiting: [], size: 0, left: flood.left - 1 });
}

// Calls a function of inside.py, and sends what it returns.
function call({ id, name, given, options }) {
  const began = performance.now();
  flood.left = MOST_AT_ONCE;
  const arguments_ = given.map((one) => python.toPy(one));
  const found = inside[name].callKwargs(...arguments_, options);
  const result = found.toJs({ dict_converter: Object.fromEntries });
  found.destroy();
  const milliseconds = Math.round(performance.now() - began);
  flush();
  tell({ id, result: { ...result, milliseconds } });
}

onmessage = async ({ data }) => {
  try {
    if (data.start) await start(data.start);
    else call(data);
  } catch (error) {
    flush();
    // Any error but Python's own has ended Python, such as a recursion that the browser cannot hold.
    const ended = !data.start && error.name !== "PythonError";
    tell({ id: data.id, failed: ended ? `Python ended, and starts again: ${error.message}` : String(error), ended });
  }
};

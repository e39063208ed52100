// Python in a page: its files are unpacked or fetched, and a worker runs them. `setup` is what
// workshop/building.py writes; `hear` has the functions that are told what happens: progress(words,
// share), text(words, stream, lost) and ready(). `lost` lines of a flood came before the words.

function makePython(setup, hear) {
  const calls = new Map(); // what waits for an answer, by its number; that to the start by "start"
  const files = new Map(); // Pyodide's files by name: they are had once, also if Python starts again
  let [worker, address, started, count] = [null, null, null, 0];

  // Starts Python, unless it has started. After a failure it can be called again.
  function start() {
    started ??= begin().catch((error) => {
      started = null;
      throw error;
    });
    return started;
  }

  async function begin() {
    await fill(files, setup, hear.progress);
    address ??= addressOf(files, setup.worker);
    worker?.terminate();
    const opened = (worker = new Worker(address));
    opened.onmessage = ({ data }) => opened === worker && take(data); // not what an ended one said
    opened.onerror = ({ message }) => opened === worker && fail(message || "its Worker cannot be started");
    const sent = [...files].filter(([name]) => !SCRIPTS.includes(name));
    worker.postMessage({ start: { files: sent, lock: setup.lock, archive: bytesOf(setup.package) } });
    await new Promise((resolve, reject) => calls.set("start", { resolve, reject }));
  }

  function take({ stage, ready, texts = [], id, result, failed, ended }) {
    if (stage) hear.progress(...STAGES[stage]);
    for (const { text, stream, lost } of texts) hear.text(text, stream, lost);
    if (ready) hear.ready();
    if (ready) answer("start", "resolve");
    if (result) answer(id, "resolve", result);
    if (failed) answer(id ?? "start", "reject", new Error(failed));
    if (ended) stop();
  }

  function answer(id, how, value) {
    calls.get(id)?.[how](value);
    calls.delete(id);
  }

  function fail(words) {
    for (const id of [...calls.keys()]) answer(id, "reject", new Error(words));
  }

  // Calls a function of workshop/inside.py as soon as Python is ready. Returns what it returns.
  async function call(name, given, options = {}) {
    await start();
    const id = (count += 1);
    worker.postMessage({ id, name, given, options });
    return new Promise((resolve, reject) => calls.set(id, { resolve, reject }));
  }

  // Ends what runs, and starts Python again: there is no other way out of an endless loop. While
  // Python starts there is nothing to end.
  function stop() {
    if (!worker || calls.has("start")) return start();
    worker.terminate();
    worker = started = null;
    fail("stopped");
    return start();
  }

  return { start, call, stop };
}

const SCRIPTS = ["pyodide.asm.js", "pyodide.js"]; // these are part of the worker's own script
const STAGES = {
  python: ["Starting Python", 0.55],
  numpy: ["Loading NumPy", 0.8],
  microbn: ["Loading microbn", 0.95],
};

// Puts the files into the map that it does not have yet.
async function fill(files, setup, progress) {
  const whole = setup.files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  for (const file of setup.files) {
    const tell = (words, bytes = 0) => progress(words, (0.5 * (done + bytes)) / whole);
    if (!files.has(file.name)) files.set(file.name, await had(file, setup.address, tell));
    done += file.size;
  }
}

async function had(file, address, tell) {
  if (address) return fetched(address, file, tell);
  tell(`Unpacking ${file.name}`);
  return unpacked(file.content);
}

// Returns the address of the worker's script.
function addressOf(files, script) {
  const parts = [...SCRIPTS.map((name) => files.get(name)), script].flatMap((part) => [part, "\n"]);
  return URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

async function unpacked(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Fetches a file and compares its hash. A file that is not the one that was tested is not run.
async function fetched(address, { name, size, sha256 }, tell) {
  if (!globalThis.crypto?.subtle)
    throw new Error("this browser cannot compare files on a page that came by http: save the page, and open it from the disk.");
  const words = `Fetching ${name}, ${(size / 1e6).toFixed(1)} MB, from ${new URL(address).host}`;
  tell(words);
  const content = await contentOf(address, name, (bytes) => tell(words, bytes));
  tell(`Comparing the SHA-256 of ${name}`, size);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== sha256)
    throw new Error(`${name} from ${address} is not the file that was tested: its SHA-256 differs. It was not run.`);
  return content;
}

async function contentOf(address, name, count) {
  const answer = await fetch(address + name, { credentials: "omit" }).catch(() => null);
  if (!answer) throw new Error(`${name} cannot be fetched from ${address}.`);
  if (!answer.ok) throw new Error(`${name} cannot be fetched: ${address} answers ${answer.status}.`);
  const pieces = [];
  let length = 0;
  try {
    for await (const piece of piecesOf(answer.body)) {
      pieces.push(piece);
      count((length += piece.length));
    }
  } catch {
    throw new Error(`${name} cannot be fetched whole from ${address}: it ended after ${length} bytes.`);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

async function* piecesOf(stream) {
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

// The workshop: code is run and checked, and its story is shown beside it.

const store = makeStore(setup.title, () => say("This browser keeps nothing here: save your code before you leave."));
const exercises = setup.exercises.map((given) => {
  const code = `${given.code.trim()}\n`;
  const kept = () => store.get(given.title) ?? code;
  const keep = (text) => {
    if (text === kept()) return; // as another window has kept it
    if (text === code) store.remove(given.title);
    else store.set(given.title, text);
  };
  const exercise = makeExercise({ ...given, code }, kept(), keep);
  function follow() {
    if (exercise.editor.value() === kept()) return;
    exercise.editor.follow(kept());
    say(`Another window with this page has changed ${given.title}. The code here follows it.`);
  }
  store.follow(given.title, follow);
  addEventListener("pageshow", follow); // a page that the browser had put aside hears nothing meanwhile
  return exercise;
});
const now = { phase: "", exercise: null, running: null };

// --- what is shown

function say(words) {
  $("said").textContent = words;
}

// Says what Python does: it is starting, ready, running or failed. What cannot be done then is off.
function enter(phase, words, running = null) {
  Object.assign(now, { phase, running });
  document.body.dataset.phase = phase;
  $("state").textContent = words;
  $("share").hidden = phase !== "starting";
  $("again").hidden = phase !== "failed";
  for (const [id, when] of [["run", "ready"], ["check", "ready"], ["stop", "running"]])
    $(id).setAttribute("aria-disabled", phase !== when); // which keeps the focus, as `disabled` does not
}

function showExercise(i) {
  now.exercise?.show(false);
  now.exercise = exercises[i];
  now.exercise.show(true);
  for (const id of ["check", "level"]) $(id).hidden = !now.exercise.check;
  const most = now.exercise.hints; // a script may keep the reasons back
  for (const option of $("hints").options) option.hidden = option.disabled = Number(option.value) > most;
  $("hints").value = now.exercise.level ?? Math.min(most, 1); // where first, why later
  $("save").title = `as ${now.exercise.file}`;
  say("");
  showVerdict();
}

function showVerdict() {
  const { verdict, kind } = now.exercise;
  $("verdict").className = kind;
  $("verdict").replaceChildren(...verdict);
}

function judge(exercise, kind, ...words) {
  Object.assign(exercise, { kind, verdict: words });
  if (exercise === now.exercise) showVerdict();
}

// --- Python

const python = makePython(setup, {
  progress: (words, share) => {
    $("state").textContent = `${words} …`;
    $("share").value = share;
  },
  text: (...printed) => now.running?.output.write(...printed),
  ready: () => enter("ready", `Ready: ${setup.versions}`),
});

async function startPython(words, start) {
  enter("starting", words);
  await start().catch((error) => enter("failed", whyNot(error)));
}

// Calls Python for an exercise, and shows what comes of it. `words` are said of a result.
async function ask(exercise, name, more, options, words) {
  if (now.phase !== "ready") return;
  enter("running", `Running ${exercise.file} …`, exercise);
  judge(exercise, "unsure", "Running …");
  exercise.output.clear();
  exercise.editor.markLine(null);
  try {
    const result = await python.call(name, [exercise.file, exercise.editor.value(), ...more], options);
    take(exercise, result, words(result));
    enter("ready", `Ready: ${setup.versions}`);
  } catch (error) {
    broken(exercise, error);
  }
}

function take(exercise, result, { kind, words, why }) {
  exercise.output.finish("right" in result);
  exercise.tell(result.story, why);
  if (!result.line) return judge(exercise, kind, words);
  const go = () => exercise.editor.goTo(result.line);
  exercise.editor.markLine(result.line);
  judge(exercise, "wrong", "✕ An error in ", make("button", { type: "button", class: "line", onclick: go }, `line ${result.line}`));
}

// A call has no result if it was stopped, or if Python itself broke. Then Python starts again.
function broken(exercise, { message }) {
  exercise.output.finish();
  exercise.tell(null, "This run was stopped before it left a story.");
  if (message === "stopped") return judge(exercise, "unsure", "■ Stopped. What was printed is kept.");
  judge(exercise, "wrong", `✕ Python itself broke: ${message.trim().split("\n").at(-1)}`);
  startPython("Starting Python again …", python.stop);
}

function inSeconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(milliseconds < 100 ? 3 : 1)} s`;
}

function ofRun({ line, milliseconds }) {
  const why = line ? "The run ended with an error before it left a story." : "This run left no story. What a program leaves as story is shown here:";
  return { kind: "done", words: `Ran in ${inSeconds(milliseconds)}`, why };
}

function ofCheck({ right, changed }) {
  if (right && changed) return { kind: "unsure", words: "? The gradients agree, but the forward has changed: read the report.", why: "A run can leave a story:" };
  if (right) return { kind: "right", words: "✓ Right: the gradients agree.", why: "The check found nothing wrong, so there is no wrong stage to show. A run can leave a story:" };
  const why = "This check left no story. A run can leave one:";
  if (right === false) return { kind: "wrong", words: "✕ Wrong: read the report.", why };
  return { kind: "unsure", words: "? It could not be checked: read why.", why };
}

function run() {
  return ask(now.exercise, "run_code", [], {}, ofRun);
}

function check() {
  const { check: target, inputs = [], stages } = now.exercise;
  if (!target) return;
  const options = { hints: Number($("hints").value), starter: now.exercise.code, ...(stages === undefined ? {} : { stages }) };
  ask(now.exercise, "check_code", [target, inputs], options, ofCheck);
}

function stop() {
  if (now.phase === "running") startPython("Stopped. Starting Python again …", python.stop);
}

// --- the code: back to its beginning, into a file, out of a file

// Puts other code in place of what stands there, and offers to bring that back.
function replace(exercise, code, words) {
  const before = exercise.editor.value();
  if (before === code) return say(words); // the Undo that is there stays
  const undo = () => replace(exercise, before, "What stood there before is back.");
  exercise.editor.set(code);
  exercise.editor.focus();
  judge(exercise, "unsure", `${words} `, make("button", { type: "button", class: "line", onclick: undo }, "Undo"));
}

function reset() {
  replace(now.exercise, now.exercise.code, "The code is as at the beginning.");
}

async function load(file) {
  const exercise = now.exercise;
  const code = await codeOf(file).catch(({ message }) => say(`${message}.`));
  if (code !== undefined) replace(exercise, code, `${file.name} is loaded.`);
}

const actions = {
  run, check, stop, reset,
  save: () => saveFile(now.exercise.file, now.exercise.editor.value()),
  load: () => $("file").click(),
  help: toggleKeys,
  again: () => startPython("Starting Python …", python.start),
  wide: () => {
    const wide = document.body.classList.toggle("wide");
    $("wide").setAttribute("aria-pressed", wide);
  },
};
for (const [id, act] of Object.entries(actions))
  $(id).addEventListener("click", () => $(id).getAttribute("aria-disabled") !== "true" && act());
$("hints").addEventListener("change", () => (now.exercise.level = Number($("hints").value)));
$("file").addEventListener("change", () => {
  if ($("file").files.length) load($("file").files[0]);
  $("file").value = "";
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  load(file);
});

// --- keys

listKeys([
  ["Ctrl+Enter", "run the code, from anywhere on the page"],
  ["Ctrl+Shift+Enter", "check it"],
  ["Tab  Shift+Tab", "in the editor: indent, outdent"],
  ["Escape  Tab", "leave the editor"],
  ["←  →  Home  End", "on the tabs: to another exercise"],
  ["←  →", "elsewhere, but for the editor: through the story"],
  ["←  →  ↑  ↓  Enter", "on a line between two parts: move it, put it back"],
  ["?", "this list, outside the editor"],
]);
keyList.append(aboutThePage(setup));

addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || keyList.open) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey) check();
    else run();
  },
  { capture: true },
);
addEventListener("keydown", (event) => {
  const writing = event.target.closest("textarea, input, select, [contenteditable=true]");
  if (event.key !== "?" || writing || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  toggleKeys();
});

// The arrows go through the story, unless what has the focus needs them.
const ARROWED = "textarea, input, select, pre, [role=tab], [role=separator], dialog";
addEventListener("keydown", (event) => {
  const { key, target, ctrlKey, altKey, metaKey, shiftKey } = event;
  if (!["ArrowLeft", "ArrowRight"].includes(key) || ctrlKey || altKey || metaKey || shiftKey) return;
  if (event.defaultPrevented || target.closest(ARROWED)) return;
  event.preventDefault();
  now.exercise.press(key);
});

makeDivider($("divider"), document.querySelector("main"), "--work", { least: 25, most: 75, usual: 42 });
makeDivider($("between"), $("parts"), "--code", { least: 15, most: 80, usual: 58 });
const turnToTab = makeTabs($("tabs"), exercises.map(({ title }) => title), "panel", showExercise);
turnToTab(0);

// The first exercise shows its story by itself, unless the reader has changed its code.
startPython("Starting Python …", python.start).then(() => {
  const [first] = exercises;
  if (first === now.exercise && !first.check && first.editor.value() === first.code) run();
});

// Two stories in step. Each is a page in a frame of its own, which is told which step to show.

const both = JSON.parse($("both").textContent);
const frames = [$("left"), $("right")];
const last = both.pairs.length - 1;
const state = { at: 0, near: true, maths: false, jacobian: false, present: false };

function show() {
  const [, , lacks, sentence] = both.pairs[state.at];
  $("said").textContent = sentence;
  frames.forEach((_, place) => tell(place));
  $("slider").value = state.at;
  $("slider").setAttribute("aria-valuetext", `step ${state.at}: ${sentence}`);
  $("previous").disabled = $("first").disabled = state.at === 0;
  $("next").disabled = $("last").disabled = state.at === last;
  document.body.dataset.lacks = lacks ?? "";
  document.body.classList.toggle("present", state.present);
  for (const view of ["near", "maths", "jacobian"]) $(view).setAttribute("aria-pressed", state[view]);
}

// Tells a frame what to show. A story that lacks the step stays where it is, and says so.
function tell(place) {
  const { near, maths, jacobian } = state;
  const [, , lacks, sentence] = both.pairs[state.at];
  const step = { at: both.pairs[state.at][place], lacks: lacks === place ? sentence : "" };
  frames[place].contentWindow.postMessage({ ...step, near, maths, jacobian }, "*");
}

function go(at) {
  state.at = Math.max(0, Math.min(last, at));
  try {
    history.replaceState(null, "", `#step=${state.at}`);
  } catch {
    // a sandboxed frame has no address to write to
  }
  show();
}

// Goes to the pair that has this step of a story.
function follow(place, number) {
  const at = both.pairs.findIndex((pair) => pair[place] === number && pair[2] !== place);
  if (at >= 0) go(at);
}

function fromAddress() {
  const asked = /^#step=(\d+)$/.exec(location.hash);
  return asked ? Number(asked[1]) : 0;
}

// Hands a key on to both stories. They use it to scroll a step that is too long for its pane.
function handOn(key) {
  for (const frame of frames) frame.contentWindow.postMessage({ key }, "*");
}

function turn(view) {
  state[view] = !state[view];
  show();
}

const KEYS = {
  ArrowRight: () => go(state.at + 1),
  PageDown: () => go(state.at + 1),
  ArrowLeft: () => go(state.at - 1),
  PageUp: () => go(state.at - 1),
  Home: () => go(0),
  End: () => go(last),
  b: () => go(both.starts.backward),
  f: () => go(both.starts.forward),
  ArrowDown: () => handOn("ArrowDown"),
  ArrowUp: () => handOn("ArrowUp"),
  z: () => turn("near"),
  m: () => turn("maths"),
  j: () => turn("jacobian"),
  "?": toggleKeys,
};
const PRESENTING = KEYS; // a lecture hands keys on

listKeys([
  ["→  Page Down", "the next step of both"],
  ["←  Page Up", "the step before"],
  ["Home  End", "the first step, the last"],
  ["f  b", "the start of the forward, of the backward"],
  ["z", "the focus or the whole graphs"],
  ["m", "mathematics or code"],
  ["j", "Jacobians or the tables"],
  ["↓  ↑", "scroll a step that is too long for its side"],
  ["Tab", "into a graph, its step, the buttons"],
  ["↓  ↑  Enter", "on a box: to the next box, arrow or group; go there or open it"],
  ["?", "this list"],
]);

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});

// A frame says that it is ready, that a key was pressed in it, or to which of its steps a click led.
addEventListener("message", ({ source, data }) => {
  const place = frames.findIndex((frame) => frame.contentWindow === source);
  if (place < 0) return;
  if (isForLecture(data)) tellAround({ key: data.key });
  else if (Object.hasOwn(KEYS, data.key)) KEYS[data.key]();
  if (data.ready) tell(place);
  if (Number.isInteger(data.at)) follow(place, data.at);
});

addEventListener("click", (event) => {
  if (event.detail) event.target.closest("button")?.blur();
});
for (const button of document.querySelectorAll("button[data-key]"))
  button.addEventListener("click", KEYS[button.dataset.key]);
$("slider").max = last;
$("slider").addEventListener("input", () => go(Number($("slider").value)));
addEventListener("hashchange", () => go(fromAddress()));

frames.forEach((frame, place) => {
  const [before, after] = both.pane;
  frame.title = both.titles[place];
  frame.srcdoc = before + $(`${frame.id}-story`).textContent + after;
});
go(fromAddress());

// Going through the story: keys, buttons, the slider, the address.

function show() {
  const step = story.steps[state.at];
  hold();
  document.body.dataset.phase = step.phase;
  for (const view of ["present", "near", "maths", "jacobian"]) {
    document.body.classList.toggle(view, state[view]);
    $(view).setAttribute("aria-pressed", state[view]);
  }
  showWords(step);
  $("tables").replaceChildren(...(state.jacobian ? jacobian : tables)(step));
  for (const button of $("groups").querySelectorAll("button[data-path]"))
    button.setAttribute("aria-pressed", !closed.has(button.dataset.path));
  $("groups").querySelector("[data-follow]")?.setAttribute("aria-pressed", Boolean(state.follow));
  film.show(step);
  explain(step);
  showLive();
  draw(step);
  $("step").scrollTop = 0;
  fill();
}

// Says where the step is in the story, and what happens in it.
function showWords(step) {
  const phase = step.phase[0].toUpperCase() + step.phase.slice(1), last = story.steps.length - 1;
  const groups = step.phase === "given" ? [] : nodes.get(step.nodes[0]).scope;
  $("where").textContent = [phase, `step ${state.at} of ${last}`, ...groups].join(" · ");
  $("place").textContent = step.place;
  $("sentence").textContent = step.sentence;
  $("code").replaceChildren(...code(step));
  $("slider").value = state.at;
  $("slider").setAttribute("aria-valuetext", `${phase}, step ${state.at}: ${step.sentence}`);
  $("previous").disabled = $("first").disabled = state.at === 0;
  $("next").disabled = $("last").disabled = state.at === last;
}

// Turns a view on or off. Presenter's mode starts with the focus view, and ends with it.
function turn(view, on = !state[view]) {
  state[view] = on;
  if (view === "present") state.near = on;
  show();
}

function go(at, playing = false) {
  if (!playing) pause();
  $("groups").open = false;
  const before = state.at;
  state.at = Math.max(0, Math.min(story.steps.length - 1, at));
  opening &&= state.at === before;
  writeAddress();
  show();
}

function writeAddress() {
  try {
    history.replaceState(null, "", `#step=${state.at}${film.address()}`);
  } catch {
    // a sandboxed frame has no address to write to
  }
}

// Goes to the next or the previous step, past all but the last in a closed call.
function walk(way, playing = false) {
  let at = state.at + way;
  while (passed(at)) at += way;
  go(at, playing);
}

// Returns whether a step is inside a closed call, and not its last.
function passed(at) {
  const [step, next] = [story.steps[at], story.steps[at + 1]];
  const call = step && shutCall(step);
  return call && next?.phase === step.phase && shutCall(next) === call;
}

// Returns the closed call that a step is inside, if any. With `follow` it opens by itself.
function shutCall(step) {
  if (state.follow === true) return undefined;
  const groups = groupsOf(nodes.get(step.nodes[0]));
  return groups.find((path) => composed.has(path) && closed.has(path));
}

function fromAddress() {
  const asked = /^#step=(\d+)(?:&training=(\d+))?(&mode=eval)?$/.exec(location.hash);
  if (asked) film.goTo(asked.slice(1));
  return asked ? Number(asked[1]) : (story.opens ?? 0);
}

function play() {
  if (state.timer) return pause();
  if (state.at === story.steps.length - 1) go(0);
  $("play").textContent = "Pause";
  const tick = () => {
    walk(1, true);
    if (state.at === story.steps.length - 1) pause();
    else state.timer = setTimeout(tick, Number($("pace").value));
  };
  state.timer = setTimeout(tick, Number($("pace").value));
}

function pause() {
  clearTimeout(state.timer);
  state.timer = 0;
  $("play").textContent = "Play";
}

const KEYS = {
  ArrowRight: () => walk(1),
  PageDown: () => walk(1),
  ArrowLeft: () => walk(-1),
  PageUp: () => walk(-1),
  Home: () => go(0),
  End: () => go(story.steps.length - 1),
  " ": play,
  b: () => go(story.starts.backward),
  f: () => go(story.starts.forward),
  p: () => turn("present"),
  z: () => turn("near"),
  m: () => turn("maths"),
  j: () => turn("jacobian"),
  c: () => toggleBar(),
  r: () => resetAll(),
  "+": () => zoomBy(1.25),
  "=": () => zoomBy(1.25),
  "-": () => zoomBy(0.8),
  0: zoomToFit,
  "?": toggleKeys,
  w: () => $("words").toggleAttribute("open"),
};
const PRESENTING = { ...KEYS, ArrowDown: () => scrollStep(1), ArrowUp: () => scrollStep(-1) };

// Scrolls the step by a fifth of the window, or the page if it is the page that scrolls.
function scrollStep(way) {
  const top = (way * innerHeight) / 5;
  for (const part of [$("step"), document.scrollingElement]) part.scrollBy({ top });
}

// A control that was used with the mouse gives the keys back to the page.
addEventListener("click", (event) => {
  if (event.detail) event.target.closest("button")?.blur();
});
let pointing = false;
addEventListener("pointerdown", () => (pointing = true));
addEventListener("change", ({ target }) => {
  if (pointing && target.matches("select, #live [type=range]")) target.blur();
});

addEventListener("keydown", (event) => {
  pointing = false;
  if (event.key === "Escape") {
    if (state.present) turn("present");
    $("groups").open = $("words").open = false;
  }
  const inside = event.target.closest("select, summary, button");
  const own = event.key === " " ? inside : event.target.matches("select, pre, figure");
  const keys = state.present ? PRESENTING : KEYS;
  if (own || event.ctrlKey || event.altKey || event.metaKey || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

for (const button of document.querySelectorAll("button[data-key]"))
  button.addEventListener("click", KEYS[button.dataset.key]);
$("leave").addEventListener("click", () => turn("present", false));
$("save").addEventListener("click", save);
$("slider").max = story.steps.length - 1;
$("slider").addEventListener("input", () => go(Number($("slider").value)));
addEventListener("hashchange", () => go(fromAddress()));
addEventListener("resize", refit);
// In a frame this script may run before the page has a size, and no event tells of its first one.
const unsized = new ResizeObserver(() => {
  if (!$("graph").clientHeight) return;
  unsized.disconnect();
  refit();
});
unsized.observe($("graph"));

function refit() {
  fit($("graph").querySelector("svg"), story.steps[state.at]);
  fill();
}

for (const role of story.roles) $("key").append(make("li", { class: role }, role));

go(fromAddress());

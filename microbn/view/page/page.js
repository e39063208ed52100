// Going through it: keys, buttons, the slider, the address.

function show() {
  const step = story.steps[state.at];
  const phase = { given: "Given", forward: "Forward", backward: "Backward" }[step.phase];
  document.body.dataset.phase = step.phase;
  $("where").textContent = `${phase} · step ${state.at} of ${story.steps.length - 1}`;
  $("place").textContent = whence(step.line);
  $("sentence").textContent = step.sentence;
  $("tables").replaceChildren(...tables(step));
  $("code").replaceChildren(...code(step.line));
  for (const part of $("step").querySelectorAll("pre, figure"))
    // to be scrolled by keyboard too
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  $("step").scrollTop = 0;
  $("slider").value = state.at;
  $("slider").setAttribute("aria-valuetext", `${phase}, step ${state.at}: ${step.sentence}`);
  $("previous").disabled = $("first").disabled = state.at === 0;
  $("next").disabled = $("last").disabled = state.at === story.steps.length - 1;
  for (const button of $("groups").querySelectorAll("button[data-path]"))
    button.setAttribute("aria-pressed", !closed.has(button.dataset.path));
  $("groups").querySelector("[data-follow]")?.setAttribute("aria-pressed", state.follow);
  draw(step);
}

function go(at, keep = false) {
  if (!keep) stop();
  state.at = Math.max(0, Math.min(story.steps.length - 1, at));
  try {
    history.replaceState(null, "", `#step=${state.at}`);
  } catch {
    // inside a sandboxed frame there is no address to write to
  }
  show();
}

function fromAddress() {
  const asked = /^#step=(\d+)$/.exec(location.hash);
  return asked ? Number(asked[1]) : 0;
}

function play() {
  if (state.timer) return stop();
  if (state.at === story.steps.length - 1) go(0);
  $("play").textContent = "Pause";
  $("play").setAttribute("aria-pressed", true);
  const tick = () => {
    go(state.at + 1, true);
    if (state.at === story.steps.length - 1) stop();
    else state.timer = setTimeout(tick, Number($("pace").value));
  };
  state.timer = setTimeout(tick, Number($("pace").value));
}

function stop() {
  clearTimeout(state.timer);
  state.timer = 0;
  $("play").textContent = "Play";
  $("play").setAttribute("aria-pressed", false);
}

// The picture as a file of its own: the colours that the page gives it are written into it.
function picture() {
  const svg = $("graph").querySelector("svg");
  const copy = svg.cloneNode(true);
  const written = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font", "text-anchor"];
  const [from, to] = [svg, copy].map((root) => [...root.querySelectorAll("*")]);
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of written) to[i].style.setProperty(name, style.getPropertyValue(name));
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.style.background = getComputedStyle(document.body).backgroundColor;
  // the control characters that a name may have are not allowed in XML
  return new XMLSerializer()
    .serializeToString(copy)
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "�");
}

function save() {
  const address = URL.createObjectURL(new Blob([picture()], { type: "image/svg+xml" }));
  make("a", { href: address, download: `step${state.at}.svg` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

const KEYS = {
  ArrowRight: () => go(state.at + 1),
  PageDown: () => go(state.at + 1),
  ArrowLeft: () => go(state.at - 1),
  PageUp: () => go(state.at - 1),
  Home: () => go(0),
  End: () => go(story.steps.length - 1),
  " ": play,
  b: () => go(story.steps.findIndex((step) => step.phase === "backward")),
  f: () => go(0),
};

addEventListener("keydown", (event) => {
  const inside = event.target.closest("select, summary, button");
  const own = event.key === " " ? inside : event.target.closest("select");
  if (own || event.ctrlKey || event.altKey || event.metaKey || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});

const buttons = {
  first: "Home",
  previous: "ArrowLeft",
  next: "ArrowRight",
  last: "End",
  turn: "b",
};
for (const [id, key] of Object.entries(buttons)) $(id).addEventListener("click", KEYS[key]);
$("play").addEventListener("click", play);
$("save").addEventListener("click", save);
$("slider").max = story.steps.length - 1;
$("slider").addEventListener("input", () => go(Number($("slider").value)));
addEventListener("hashchange", () => go(fromAddress()));
addEventListener("resize", () => fit($("graph").querySelector("svg"), story.steps[state.at]));

const roles = ["input", "parameter", "constant", "computed", "gradient", "result"];
for (const role of roles.filter((role) => story.nodes.some((node) => node.role === role)))
  $("key").append(make("li", { class: role }, role));

// Closes these groups and opens all others; with `follow`, those of the step open by themselves.
function close(these, follow) {
  state.follow = follow;
  closed.clear();
  for (const path of these) closed.add(path);
  show();
}

const list = $("groups").querySelector("div");
$("groups").hidden = !paths.size;
list.append(make("button", { onclick: () => close([], false) }, "Open all"));
list.append(make("button", { onclick: () => close(paths.keys(), false) }, "Close all"));
const follow = () => close(paths.keys(), !state.follow);
list.append(make("button", { onclick: follow, "data-follow": "" }, "Open those of the step"));
for (const [id, path] of paths)
  list.append(make("button", { onclick: () => toggle(id), "data-path": id }, path.join(" › ")));

go(fromAddress());

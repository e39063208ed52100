// A film of a training: a second slider leads through its steps, and the same graph moves.

// Both stories of a film, and what moves in each training step: a line of JSON for each of them.
let reels = null;
const shot = { at: 0, mode: "train", timer: 0, moves: null };

async function unpackFilm({ evaluated, moves }) {
  const bytes = Uint8Array.from(atob(moves), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const lines = (await new Response(unpacked).text()).trim().split("\n");
  reels = { lines, train: reel({ ...story }), eval: reel(prepared(evaluated)) };
}

function reel(told) {
  const sentences = told.steps.map((step) => step.sentence);
  return { told, first: { tables: [...told.tables], sentences } };
}

// Tells the story of a training step, at the same step of the story. The graph stays where it is.
function turnTo(at) {
  shot.at = Math.max(0, Math.min(reels.lines.length - 1, at));
  shot.moves = JSON.parse(reels.lines[shot.at]);
  const [{ first }, moved] = [reels[shot.mode], shot.moves[shot.mode]];
  const tables = Object.assign([...first.tables], moved.tables);
  story.jacobians = moved.jacobians;
  $("graph").classList.add("still");
  retell({ tables, sentences: { ...first.sentences, ...moved.sentences } });
  $("graph").classList.remove("still");
}

function train(at, playing = false) {
  if (!playing) stopFilm();
  turnTo(at);
  writeAddress();
}

// Changes to eval, or back to training, and stays at the value that is shown if both have it.
function switchTo(mode) {
  if (mode === shot.mode) return;
  const before = story.steps.slice(0, state.at + 1).map(meaning);
  shot.mode = mode;
  tell(reels[mode].told);
  const there = story.steps.map(meaning);
  const same = before.reverse().find((step) => there.includes(step));
  state.at = Math.max(0, there.indexOf(same));
  drawn.shown = null;
  $("slider").max = story.steps.length - 1;
  turnTo(shot.at);
}

// Returns what a step is about, in training and in eval alike: names like matmul17 are numbered.
function meaning({ phase, nodes: [id] }) {
  const { name, scope } = nodes.get(id);
  return phase === "given" ? phase : key([phase, scope, name.replace(/\d+/g, "")]);
}

function changeMode(mode) {
  switchTo(mode);
  writeAddress();
}

// --- what stands below the graph: the losses and the running statistics

function showFilm(step) {
  if (!shot.moves) return;
  const [{ losses }, { statistics }] = [story.film, shot.moves];
  const [last, loss] = [losses.train.length - 1, shorter(losses[shot.mode][shot.at])];
  $("training").value = shot.at;
  $("training").setAttribute("aria-valuetext", `Training step ${shot.at} of ${last}, loss ${loss}`);
  $("trained").textContent = `${shot.at} of ${last} · loss ${loss}`;
  for (const mode of ["train", "eval"]) $(mode).setAttribute("aria-pressed", mode === shot.mode);
  $("earlier").disabled = shot.at === 0;
  $("later").disabled = shot.at === last;
  const group = step.phase === "given" ? "" : nodes.get(step.nodes[0]).scope.join(".");
  const boxes = statistics.map((one) => statistic(one, `${group}.`.startsWith(`${one.layer}.`)));
  $("losses").replaceChildren(drawLosses(losses));
  $("statistics").replaceChildren(...boxes);
  const shown = boxes.find((box) => box.classList.contains("now"));
  if (shown) $("statistics").scrollTop = shown.offsetTop - boxes[0].offsetTop;
  $("reading").textContent = statistics.length ? READING[shot.mode] : "";
}

const READING = {
  train: "Training reads μ and σ² of the batch. The running statistics move towards them.",
  eval: "Eval reads the running statistics. They stay as they are.",
};

function shorter(loss) {
  return String(Number(loss.toPrecision(3)));
}

// Shows a running statistic as a strip of cells: as the step finds it, and as it leaves it.
function statistic({ layer, name, before, after }, now) {
  const training = shot.mode === "train";
  const box = make("div", { class: `statistic ${now ? "now" : ""} ${training ? "" : "read"}` });
  box.append(make("p", {}, `${layer} ${name} `, make("b", {}, training ? "moves" : "is read")));
  const line = (sign, table, words) => make("span", { class: "strip" }, sign, strip(table, words), range(table));
  box.append(line("", before, name));
  if (training) box.append(line("→ ", after, `${name} after the step`));
  return box;
}

function range({ rows, low, high }) {
  const numbers = rows.flat().map(Number);
  return ` ${low || Math.min(...numbers)} to ${high || Math.max(...numbers)}`;
}

function strip(table, name) {
  const shown = heat(table);
  const cells = shown.rows.flat();
  const [wide, most] = [72 / cells.length, largest(shown)];
  const label = `${name}: ${cells.join(", ")}`;
  const svg = make("svg", { viewBox: "0 0 72 14", width: 72, height: 14, role: "img", "aria-label": label });
  cells.forEach((text, i) => {
    const fill = colour(text, most, table.noise).background;
    svg.append(make("rect", { x: i * wide, y: 0, width: wide, height: 14, fill }));
  });
  return svg;
}

const PLOT = { width: 210, height: 96, left: 40, right: 30, top: 8, bottom: 18, type: 11 };

// Draws the losses in training and in eval, with a mark at the training step that is shown.
function drawLosses(losses) {
  const all = [...losses.train, ...losses.eval];
  const levels = [Math.min(...all, 0), Math.max(...all)];
  const { svg, x, y } = curves(PLOT, {
    steps: losses.train.length - 1,
    levels,
    ticks: levels.map((loss) => [loss, shorter(loss)]),
    lines: Object.entries(losses).map(([mode, line]) => ({ points: [...line.entries()], kind: mode, name: mode })),
    at: shot.at,
    said: lossesInWords(losses),
  });
  svg.addEventListener("click", (event) => train(stepUnder(event, losses.train.length)));
  svg.append(label(x(shot.at), PLOT.height - 4, `step ${shot.at}`, shot.at ? "middle" : ""));
  for (const [mode, line] of Object.entries(losses))
    svg.append(dot(x(shot.at), y(line[shot.at]), mode));
  return svg;
}

function dot(x, y, mode) {
  return make("rect", { class: `dot ${mode}`, x: x - 3.5, y: y - 3.5, width: 7, height: 7, rx: mode === "train" ? 3.5 : 0 });
}

function lossesInWords({ train, eval: evaluated }) {
  const said = (line) => `from ${shorter(line[0])} to ${shorter(line.at(-1))}, now ${shorter(line[shot.at])}`;
  return `The loss over ${train.length} training steps: in training ${said(train)}; in eval ${said(evaluated)}`;
}

function stepUnder(event, many) {
  const { left, width } = event.currentTarget.getBoundingClientRect();
  const across = ((event.clientX - left) / width) * PLOT.width - PLOT.left;
  return Math.round((across / (PLOT.width - PLOT.left - PLOT.right)) * (many - 1));
}

// --- going through it

function playFilm() {
  if (shot.timer) return stopFilm();
  pause();
  const last = reels.lines.length - 1;
  if (shot.at === last) train(0);
  $("playFilm").textContent = "Pause training";
  $("trained").setAttribute("aria-live", "off");
  const tick = () => {
    train(shot.at + 1, true);
    if (shot.at === last) stopFilm();
    else shot.timer = setTimeout(tick, Number($("pace").value) / 4);
  };
  shot.timer = setTimeout(tick, Number($("pace").value) / 4);
}

function stopFilm() {
  clearTimeout(shot.timer);
  shot.timer = 0;
  $("playFilm").textContent = "Play training";
  $("trained").setAttribute("aria-live", "polite");
}

const TRAINING_KEYS = {
  "[": () => train(shot.at - 1),
  "]": () => train(shot.at + 1),
  "Shift+ArrowLeft": () => train(shot.at - 1),
  "Shift+ArrowRight": () => train(shot.at + 1),
  e: () => changeMode(shot.mode === "train" ? "eval" : "train"),
  t: playFilm,
};

const FILM_HELP = [
  ["]  Shift →", "the next training step"],
  ["[  Shift ←", "the training step before"],
  ["t", "play the training, pause it"],
  ["e", "change between training and eval"],
];

function pressedInFilm(event) {
  if (!reels) return;
  const name = event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${event.key}` : event.key;
  const own = event.target === $("training") && /^(Arrow|Page|Home|End)/.test(name);
  const typing = event.target.closest("select, textarea, input:not([type=range])");
  const known = name in TRAINING_KEYS && !typing && !event.metaKey;
  if (!own && !(known && (name === "[" || name === "]" || !(event.ctrlKey || event.altKey)))) return;
  event.stopImmediatePropagation(); // it is not for the story
  if (own) return;
  event.preventDefault();
  TRAINING_KEYS[name]();
}

const addressedInFilm = /&training=\d+(&mode=eval)?$/;

function addressInFilm() {
  if (!reels) return addressedInFilm.exec(location.hash)?.[0] ?? ""; // the film is unpacked soon
  return `&training=${shot.at}${shot.mode === "eval" ? "&mode=eval" : ""}`;
}

// Goes to the training step and the mode that the address names after the step of the story.
function filmFromAddress([, training, evaluated]) {
  if (!reels || training === undefined) return;
  switchTo(evaluated ? "eval" : "train");
  turnTo(Number(training));
}

function setUpFilm() {
  document.body.classList.add("film");
  const button = (id, title, text, onclick) => make("button", { id, title, onclick }, text);
  const max = reels.lines.length - 1;
  const slider = make("input", { id: "training", type: "range", min: 0, max, "aria-label": "Training step" });
  slider.addEventListener("input", () => train(Number(slider.value)));
  const controls = make("div", { id: "trainingRow", class: "row" });
  controls.append(
    button("train", "e", "Train", () => changeMode("train")),
    button("eval", "e", "Eval", () => changeMode("eval")),
    button("playFilm", "t", "Play training", playFilm),
    make("span", { "aria-hidden": "true" }, "Training step"),
    button("earlier", "[, Shift+←", "◀", () => train(shot.at - 1)),
    slider,
    button("later", "], Shift+→", "▶", () => train(shot.at + 1)),
    make("span", { id: "trained", role: "status" }),
  );
  controls.querySelector("#earlier").setAttribute("aria-label", "Earlier training step");
  controls.querySelector("#later").setAttribute("aria-label", "Later training step");
  document.querySelector("footer").append(controls);
  const section = make("section", { id: "film", "aria-label": "The training" });
  const boxes = make("div", { id: "statistics", role: "region", tabindex: 0, "aria-label": "Running statistics" });
  section.append(make("div", { id: "losses" }), make("p", { id: "reading" }), boxes);
  $("side").before(section);
  $("slider").setAttribute("aria-label", "Step of the story");
  listKeys(FILM_HELP);
  Object.assign(PRESENTING, TRAINING_KEYS);
  if (addressedInFilm.test(location.hash)) go(fromAddress());
  else train(0);
  boxes.hidden = !shot.moves.statistics.length;
  tellAround({ ready: true });
}

if (story.film) {
  Object.assign(film, { show: showFilm, address: addressInFilm, goTo: filmFromAddress });
  addEventListener("keydown", pressedInFilm); // before the page's own listener
  unpackFilm(story.film).then(setUpFilm);
}

// The playground: runs that were made beforehand are chosen by their settings and shown.

const { axes, steps, frames, guess, runs } = JSON.parse($("data").textContent);
const names = Object.keys(axes); // in the order in which the runs go through the grid
const state = { frame: 0, timer: 0 };
const chosen = Object.fromEntries(names.map((name) => [name, 0]));

const WORDS = {
  depth: "Hidden layers", rate: "Learning rate", norm: "Norm", activation: "Activation",
  scale: "Initial weights", seed: "Seed",
};
const UNITS = { scale: "× He's" };
const NORMS = { none: "no norm", batch: "batch norm", layer: "layer norm" };
const SLIDERS = ["depth", "rate", "scale"];

// Returns the run with the chosen settings, but for those that are given.
function run(other = {}) {
  const at = names.reduce((sum, name) => sum * axes[name].length + (other[name] ?? chosen[name]), 0);
  const [end, accuracy, loss, reach, bars, deviation, gradient] = runs[at];
  return { end, accuracy, loss, reach, bars, deviation, gradient };
}

// Writes a number from a hundred times its logarithm, with two digits.
function number(level) {
  if (level === null) return "not finite";
  return level <= -3000 ? "0" : String(Number((10 ** (level / 100)).toPrecision(2)));
}

function show() {
  const now = run();
  const step = (state.frame * steps) / frames;
  for (const name of names) {
    $(name).value = chosen[name];
    const text = `${axes[name][chosen[name]]} ${UNITS[name] ?? ""}`.trim();
    if ($(`${name}-is`)) $(`${name}-is`).textContent = text;
    if (SLIDERS.includes(name)) $(name).setAttribute("aria-valuetext", text);
  }
  $("end").textContent = inWords(now);
  $("end").dataset.end = now.end;
  $("seeds").textContent = otherSeeds(now);
  $("training").value = state.frame;
  $("training").setAttribute("aria-valuetext", `${step} of ${steps}`);
  $("trained").textContent = `${step} of ${steps}`;
  replace("losses", drawLosses(step));
  $("what").textContent = `Activations and gradients, after step ${step}`;
  replace("layers", layers(now));
}

function replace(id, svg) {
  $(id).querySelector("svg")?.remove();
  $(id).append(svg);
}

function inWords({ end, accuracy, loss }) {
  if (end === "diverged") {
    const at = loss.indexOf(null);
    return at < 0 ? "Diverged: it ended above its first loss." : `Diverged: no finite loss at step ${at + 1}.`;
  }
  const fell = `loss ${number(loss[0])} → ${number(loss.at(-1))}, ${accuracy}% right`;
  return end === "learns" ? `Learns: ${fell}.` : `Does not learn: ${fell}.`;
}

// Says how the same settings end from the other seeds: at the edge of divergence seeds disagree.
function otherSeeds(now) {
  const others = axes.seed.map((seed, i) => [seed, run({ seed: i }).end]).filter((_, i) => i !== chosen.seed);
  const said = others.map(([seed, end]) => `seed ${seed} ${end}`).join(", ");
  const alike = others.every(([, end]) => end === now.end);
  if (!alike) return `At the edge: ${said}.`;
  return `S${said.slice(1)} ${now.end === "does not learn" ? "either" : "too"}.`;
}

// --- the pictures

const PLOT = { height: 236, left: 58, right: 112, top: 12, bottom: 34, type: 15 };

// Returns how wide a picture is in its own units, so that its type keeps its size.
function widthOf(id) {
  return $(id).clientWidth / (parseFloat(getComputedStyle(document.documentElement).fontSize) / 16);
}

// Draws the losses with each norm, the chosen one thick, and a mark at the training step.
function drawLosses(step) {
  const plot = { ...PLOT, width: widthOf("losses") };
  const each = axes.norm.map((norm, i) => [norm, run({ norm: i })]);
  const all = each.flatMap(([, { loss }]) => loss.filter((level) => level !== null));
  const [low, high] = [Math.min(...all, guess - 50), Math.min(Math.max(...all, guess + 20), guess + 400)];
  const ticks = [];
  for (let level = Math.ceil(low / 100) * 100; level <= high; level += 100) ticks.push([level, number(level)]);
  const lines = each.map(([norm, { loss }], i) => lineOf(norm, loss, i === chosen.norm));
  const said = curvesInWords(each);
  const { svg, x, y } = curves(plot, { steps, levels: [low, high], ticks, lines, at: step, said });
  const right = plot.width - plot.right;
  svg.append(stroke("guess", [[plot.left, y(guess)], [right, y(guess)]]), label(right - 6, y(guess) - 5, "a guess", "end soft"));
  for (const i of [0, steps]) svg.append(label(x(i), plot.height - 12, i ? `step ${i}` : "0", "middle"));
  return svg;
}

// Returns the line of a norm, which ends where its loss is no longer finite.
function lineOf(norm, loss, isChosen) {
  const points = loss.flatMap((level, k) => (level === null ? [] : [[k + 1, level]]));
  const name = loss.includes(null) ? `✕ ${NORMS[norm]}` : NORMS[norm];
  return { points, kind: `${norm} ${isChosen ? "chosen" : ""}`, name };
}

function curvesInWords(each) {
  return each
    .map(([norm, { loss, end }]) => `${NORMS[norm]} ${end}: loss ${number(loss[0])} to ${number(loss.at(-1))}`)
    .join("; ");
}

const ROW = { left: 66, gap: 80, height: 300, top: 8, bottom: 40 };
const GRADIENTS = [-800, 400]; // from 1e-8 to 1e4

// Draws for each layer, the first one at the bottom, its histogram and the norm of its gradient.
function layers({ reach, bars, deviation, gradient }) {
  const { left, gap, height, top, bottom } = ROW;
  const width = widthOf("layers");
  const wide = 0.55 * (width - left - gap);
  const [many, right] = [gradient[0].length, left + wide + gap];
  const tall = (height - top - bottom) / many;
  const said = layersInWords(deviation[state.frame], gradient[state.frame]);
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said });
  const [low, high] = GRADIENTS;
  const x = (level) => right + ((Math.max(low, Math.min(high, level)) - low) * (width - right - 26)) / (high - low);
  for (let level = low; level <= high; level += width > 600 ? 400 : 1200) {
    svg.append(stroke("grid", [[x(level), top], [x(level), height - bottom]]));
    svg.append(label(x(level), height - bottom + 16, number(level), "middle"));
  }
  const [half, centre] = [number(reach[state.frame]), left + wide / 2];
  svg.append(stroke("grid", [[centre, top], [centre, height - bottom]]));
  for (const [text, at] of [[`-${half}`, left], ["0", centre], [half, left + wide]])
    svg.append(label(at, height - bottom + 16, text, "middle"));
  svg.append(label(centre, height - 3, width > 600 ? "activations; right: deviation" : "activations", "middle soft"));
  svg.append(label(x((low + high) / 2), height - 3, width > 600 ? "norm of the gradient" : "gradient", "middle soft"));
  for (let layer = 0; layer < many; layer++) {
    const base = height - bottom - layer * tall;
    svg.append(label(left - 8, base - tall / 2 + 5, layer < many - 1 ? `layer ${layer + 1}` : "output", "end"));
    if (layer < many - 1) svg.append(...histogram(bars[state.frame][layer], deviation[state.frame][layer], base, tall, wide));
    const norm = gradient[state.frame][layer];
    const long = Math.max(0, x(norm ?? low) - x(low));
    svg.append(make("rect", { class: "norm", x: x(low), y: base - 0.75 * tall, width: long, height: tall / 2 }));
    const [place, kind] = long > width / 8 ? [long - 6, "end inside"] : [long + 6, ""];
    svg.append(label(x(low) + place, base - tall / 2 + 5, number(norm), kind));
  }
  return svg;
}

function histogram(bars, deviation, base, tall, wide) {
  const { left } = ROW;
  const text = label(left + wide + 8, base - tall / 2 + 5, number(deviation), "");
  if (!bars) return [text];
  const [most, across] = [Math.max(...bars, 1), wide / bars.length];
  const rects = bars.map((share, i) => {
    const high = (0.92 * tall * share) / most;
    return make("rect", { class: "bar", x: left + i * across, y: base - high, width: across - 1, height: high });
  });
  return [stroke("floor", [[left, base], [left + wide, base]]), ...rects, text];
}

function layersInWords(deviation, gradient) {
  const said = gradient.map((norm, i) =>
    i < deviation.length
      ? `layer ${i + 1}: activations deviate by ${number(deviation[i])}, gradient ${number(norm)}`
      : `output: gradient ${number(norm)}`,
  );
  return said.join("; ");
}

// --- going through it

function turnTo(frame) {
  state.frame = Math.max(0, Math.min(frames, frame));
  show();
}

function play() {
  if (state.timer) return pause();
  if (state.frame === frames) turnTo(0);
  $("play").textContent = "Pause";
  state.timer = setInterval(() => {
    turnTo(state.frame + 1);
    if (state.frame === frames) pause();
  }, 600);
}

function pause() {
  clearInterval(state.timer);
  state.timer = 0;
  $("play").textContent = "Play";
}

function setting(name) {
  const words = make("label", { for: name }, WORDS[name]);
  const many = axes[name].length;
  const choose = () => {
    chosen[name] = Number($(name).value);
    show();
  };
  if (!SLIDERS.includes(name)) {
    const options = axes[name].map((value, i) => make("option", { value: i }, NORMS[value] ?? String(value)));
    return [words, make("select", { id: name, onchange: choose }, ...options)];
  }
  const slider = make("input", { id: name, type: "range", min: 0, max: many - 1, oninput: choose });
  slider.disabled = many === 1;
  words.append(make("output", { id: `${name}-is`, for: name }));
  return [words, slider];
}

function stepBy(way) {
  pause();
  turnTo(state.frame + way);
}

const KEYS = {
  " ": play,
  "[": () => stepBy(-1),
  "]": () => stepBy(1),
  "?": toggleKeys,
};

listKeys([
  ["Space", "play the training, pause it"],
  ["]", "the next picture of the training"],
  ["[", "the picture before"],
  ["Tab", "to the settings, one after the other"],
  ["←  →  Home  End", "on a slider: a smaller setting, a larger one, the ends"],
  ["?", "this list"],
]);

addEventListener("keydown", (event) => {
  const inside = event.target.closest("select, button");
  if (inside || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});
addEventListener("resize", show);
$("play").addEventListener("click", play);
$("help").addEventListener("click", toggleKeys);
$("training").addEventListener("input", () => {
  pause();
  turnTo(Number($("training").value));
});

for (const name of names) $("settings").append(make("div", {}, ...setting(name)));
$("settings").addEventListener("submit", (event) => event.preventDefault());
$("training").max = frames;
const usual = { depth: 1, rate: 3, norm: 0, activation: 0, scale: 1, seed: 0 };
for (const name of names) chosen[name] = Math.min(usual[name], axes[name].length - 1);
// It plays by itself once, unless the reader wants no motion; then it shows the end.
if (matchMedia("(prefers-reduced-motion: reduce)").matches) turnTo(frames);
else {
  show();
  play();
}

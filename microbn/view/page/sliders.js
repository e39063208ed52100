// The bar below the step in which numbers are dragged: the one chosen last, and the constants of the
// step.

const MOST_SLIDERS = 4;
const bar = make("div", { id: "live", role: "group", "aria-label": "Change numbers" });
const sliders = make("div", { id: "sliders" });
const said = make("p", { id: "changed", role: "status" });
const reset = make("button", { id: "reset", title: "r" }, "Reset");
const opener = make("button", { id: "change", title: "c", "aria-pressed": false }, "Change");
let rows = []; // the sliders that are shown

listKeys(KEY_HELP.filter(([key]) => live || (key !== "c" && key !== "r")));
if (live) {
  bar.hidden = true;
  bar.append(sliders, reset, said);
  $("step").after(bar);
  $("save").before(opener);
  reset.addEventListener("click", () => resetAll());
  opener.addEventListener("click", () => toggleBar());
  bar.addEventListener("keydown", (event) => {
    if (event.target.matches("input") && /^(Arrow|Home|End)/.test(event.key)) event.stopPropagation();
  });
  $("graph").addEventListener("click", ({ target }) => chooseConstant(target.closest(".constant")));
}

function toggleBar(on = bar.hidden) {
  if (!live) return;
  bar.hidden = !on;
  opener.setAttribute("aria-pressed", on);
  showLive();
  fill();
}

function say(text) {
  said.textContent = text;
}

// Makes a number the one that the bar's slider moves.
function choose(input, place) {
  const same = chosen?.input === input && chosen.place === place;
  chosen = { input, place };
  if (!same) showLive();
}

function chooseConstant(box) {
  const input = live.inputs?.find((one) => one.node === box?.dataset.id);
  if (!input) return;
  choose(input, 0);
  toggleBar(true);
  rows[0]?.range.focus();
  if (input.refused) say(refusal(input, 0));
}

function resetAll() {
  if (!live?.inputs) return;
  resetNumbers();
  say("All numbers are as they were at first.");
}

// Brings the bar up to date: it is called whenever a step is shown.
function showLive() {
  if (!live || (bar.hidden && !live.inputs)) return;
  if (live.why) return say(`No number can be changed here: ${live.why}.`);
  reset.disabled = !isEdited();
  if (bar.hidden) return;
  const wanted = shownNumbers();
  const isSame = ({ input, place }, i) => rows[i]?.input === input && rows[i].place === place;
  if (wanted.length !== rows.length || !wanted.every(isSame)) {
    rows = wanted.map(({ input, place }) => sliderFor(input, place));
    sliders.replaceChildren(...rows.map(({ element }) => element));
  }
  for (const row of rows) row.follow();
}

// Returns the numbers that have a slider: the one chosen, and constants, those of the step
// first; of many constants, those in its group.
function shownNumbers() {
  const step = story.steps[state.at];
  const into = story.edges.filter((edge) => step.nodes.includes(edge.target));
  const near = new Set(into.map((edge) => edge.source));
  const all = live.inputs.filter(({ kind }) => kind === "constant");
  const constants = all.length > MOST_SLIDERS ? all.filter(({ node }) => isBeside(node, step)) : all;
  const sorted = [...constants].sort((a, b) => near.has(b.node) - near.has(a.node));
  const found = sorted.map((input) => ({ input, place: 0 }));
  const others = found.filter(({ input }) => input !== chosen?.input);
  const first = chosen ?? (found.length ? null : { input: live.inputs[0], place: 0 });
  return [...(first ? [first] : []), ...others].slice(0, MOST_SLIDERS);
}

// Returns whether a constant is in the group of a step.
function isBeside(id, { phase, nodes: [now] }) {
  return phase !== "given" && key(nodes.get(id).scope) === key(nodes.get(now).scope);
}

// Makes a slider for a number, with a field for its exact value.
function sliderFor(input, place) {
  const scale = scaleOf(input, place);
  const range = make("input", { type: "range", min: scale.low, max: scale.high, step: "any" });
  const name = make("span", { class: "name" });
  const field = numberField(input, place, () => showLive());
  range.addEventListener("input", () => put(input, place, scale.number(Number(range.value))));
  range.disabled = field.disabled = Boolean(input.refused);
  const element = make("div", { class: "slider" }, name, range, field);
  if (input.refused) element.append(make("span", { class: "why" }, `stays: ${input.refused}`));
  const follow = () => {
    const [now, word] = [input.now[place], cellName(input, place)];
    name.textContent = word.replace(/^[-\d.e+]+(?= of |$)/, "constant"); // a number is no name
    const at = scale.place(now);
    range.min = Math.min(range.min, at);
    range.max = Math.max(range.max, at);
    if (document.activeElement !== range) range.value = at;
    range.setAttribute("aria-label", word);
    range.setAttribute("aria-valuetext", general(now, 4));
    if (document.activeElement !== field) field.value = exactly(now);
    field.removeAttribute("aria-invalid");
  };
  return { input, place, element, range, follow };
}

// Returns how a slider moves a number: a small positive constant, such as ε, by its exponent, and
// any other number from far below 0 to far above.
function scaleOf(input, place) {
  const first = input.first[place], round = (x, digits) => Number(x.toPrecision(digits));
  if (input.kind === "constant" && first > 0 && first <= 0.01) {
    const power = Math.log10(first);
    const number = (at) => round(10 ** at, 2);
    const place = (x) => Math.log10(Math.max(x, 1e-300));
    return { low: power - 7, high: Math.max(power + 5, 1), number, place };
  }
  const most = round(3 * Math.max(largestEntry(input.first), 0.1), 1);
  return { low: -most, high: most, number: (at) => round(at, 3), place: (x) => x };
}

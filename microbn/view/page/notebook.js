// A story in a frame of a notebook, which follows the page and can move it. Both sides send the step
// that is shown, the value that was chosen and the leaves that were changed: { at, selected, inputs },
// or as many of the three as are new. If the page cannot do what the notebook says, the notebook hears
// what the page shows instead.

const called = story.widget.values; // what the notebook calls each node, by id
const leafNames = story.widget.inputs; // in the order of live.inputs
const START = { at: 0, selected: "", inputs: {} }; // how a page begins
const heard = { ...START }; // what the notebook knows
let selectedId = null;
let answered = false; // whether the notebook has said how it stands

function tellNotebook() {
  const news = newsSince(heard);
  if (!Object.keys(news).length) return;
  Object.assign(heard, news);
  tellAround(news);
}

// Returns those of the three that the page no longer shows as they are known.
function newsSince(known) {
  const now = { at: state.at, selected: called[selectedId] ?? "", inputs: changedInputs() };
  const isNews = ([what, value]) => JSON.stringify(value) !== JSON.stringify(known[what]);
  return Object.fromEntries(Object.entries(now).filter(isNews));
}

// Returns the numbers of each leaf that is not as at first, by its name.
function changedInputs() {
  const changed = ({ now, first }) => now.some((x, i) => !Object.is(x, first[i]));
  const leaves = (live.inputs ?? []).map((input, i) => [leafNames[i], input]);
  const found = leaves.filter(([, input]) => changed(input));
  return Object.fromEntries(found.map(([name, { now, shape }]) => [name, nestedNumbers([...now], shape)]));
}

function nestedNumbers(flat, [length, ...inner]) {
  if (length === undefined) return flat[0];
  const size = flat.length / length;
  const part = (_, i) => nestedNumbers(flat.slice(i * size, (i + 1) * size), inner);
  return Array.from({ length }, part);
}

// Changes the leaves to these numbers, and all others to those of the start; or none, if the program
// cannot compute with them.
function takeInputs(given) {
  const before = live.inputs.map(({ now }) => now.slice());
  live.inputs.forEach(({ now, first }, i) => {
    const name = leafNames[i];
    now.set(Object.hasOwn(given, name) ? [given[name]].flat(Infinity) : first);
  });
  try {
    compute();
    say("The notebook has changed the numbers.");
  } catch (error) {
    live.inputs.forEach(({ now }, i) => now.set(before[i]));
    compute();
    say(`The numbers stay as they are: ${error.message}.`);
  }
}

function select(name) {
  selectedId = Object.keys(called).find((id) => called[id] === name) ?? null;
  if (nodes.has(selectedId)) visit(selectedId);
}

listenAround((data) => {
  const asked = answered ? data : { ...data, ...newsSince(START) }; // a reader may have been faster
  answered = true;
  const same = JSON.stringify(asked.inputs ?? heard.inputs) === JSON.stringify(heard.inputs);
  Object.assign(heard, asked);
  if (!same && live.inputs) takeInputs(asked.inputs);
  if ("selected" in asked) select(asked.selected);
  if ("at" in asked) go(asked.at);
  tellNotebook();
});

// The reader chooses a value by its box, or by a cell of its table. A click on a box moves the page
// as well, so it is noted before, and the notebook hears of both at once.
addEventListener("click", ({ target }) => noteChoice(target.closest(".box")?.dataset.id), true);
addEventListener("click", tellNotebook);
addEventListener("focusin", ({ target }) => {
  const [i] = target.closest("[data-cell]")?.dataset.cell.split(" ") ?? [];
  noteChoice(live.inputs?.[i]?.node);
  tellNotebook();
});

function noteChoice(id) {
  if (nodes.has(id)) selectedId = id;
}

// Whenever the page shows a step, also with other numbers, it says the phase.
new MutationObserver(tellNotebook).observe(document.body, { attributeFilter: ["data-phase"] });
tellAround({ ready: true });

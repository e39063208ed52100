// Jacobians in the place of the tables: how fast each entry of a value grows with each entry of one
// of its operands, or of an input from which many steps lead to it.

const MOST_UPRIGHT = 6; // columns whose names are not turned
const MOST_LETTERS = 8; // of a name that stands before every index
let chosenUse = {}; // what the reader chose last: with respect to which value, and whether from afar
let otherNumbers = false;

// Is told that numbers changed, or that all are those of the start again. The Jacobians do not follow.
function numbersChanged(changed = true) {
  otherNumbers = changed;
}

function jacobian(step) {
  const choices = step.phase === "given" ? [] : jacobiansOf(step.nodes[0]);
  if (!choices.length) return [make("p", {}, "This step has no Jacobian. Go to one that has operands.")];
  const shown = choices.find(isChosen) ?? choices[0];
  const menu = make("div", { class: "row" }, ...choices.map((one) => choice(one, one === shown)));
  return [choices.length > 1 ? menu : "", ...matrix(shown)];
}

function isChosen({ source, far }) {
  return source === chosenUse.source && far === chosenUse.far;
}

// Returns the Jacobians of a value: with respect to inputs, then with respect to its operands.
function jacobiansOf(target) {
  const { uses, wholes } = story.jacobians;
  const far = wholes.filter((one) => one.y === target);
  const near = story.edges.filter((edge) => edge.target === target && edge.id in uses);
  return [
    ...far.map(({ x, entries, said }) => ({ target, source: x, entries, said, far: true })),
    ...near.map(({ id, source }) => ({ target, source, entries: uses[id], said: "", far: false })),
  ];
}

function nameOf({ target, source }) {
  const [y, x] = [target, source].map((id) => nodes.get(id).name);
  return `∂${together(y)} / ∂${together(x)}`;
}

// Puts a formula into parentheses.
function together(name) {
  return /^[\p{L}\p{M}\p{N}_.²]+$/u.test(name) ? name : `(${name})`;
}

function choice(one, isShown) {
  const choose = (event) => {
    chosenUse = one;
    show();
    if (!event.detail) $("tables").querySelector('[aria-pressed="true"]').focus();
  };
  const words = nameOf(one) + (one.far ? ", through all steps" : "");
  return make("button", { onclick: choose, "aria-pressed": isShown }, words);
}

function matrix(one) {
  const [y, x] = [nodes.get(one.target), nodes.get(one.source)];
  if (one.entries === null) return [make("p", {}, tooLarge(y, x))];
  const [down, across] = [entriesOf(y), entriesOf(x)];
  const rows = full(one.entries.split(" "), down.length, across.length);
  const most = Math.max(...rows.flat().map((text) => Math.abs(Number(text))).filter(Number.isFinite));
  const upright = across.length <= MOST_UPRIGHT;
  const table = make("table", { class: `jacobian ${upright ? "upright" : ""}`, role: "grid" });
  const size = make("span", { class: "shape" }, ` ${down.length} × ${across.length}`);
  table.append(make("caption", {}, make("span", {}, nameOf(one), size)));
  const heads = across.map((name) => make("th", { scope: "col" }, make("span", {}, name)));
  table.append(make("tr", {}, make("td", {}), ...heads));
  rows.forEach((row, i) => {
    const cells = row.map((text) => entry(text, most || 1));
    table.append(make("tr", {}, make("th", { scope: "row" }, down[i]), ...cells));
  });
  const told = explored(table, nameOfEntry(y.name, x.name, down, across), rows);
  const legend = `Each row says how fast one entry of ${y.name} grows with each entry of ${x.name}.`;
  const old = "The numbers have changed. This Jacobian belongs to those that the story began with.";
  const said = [otherNumbers ? old : "", one.said, legend].filter(Boolean);
  return [make("figure", {}, table), told, ...said.map((text) => make("p", { class: "about" }, text))];
}

// Returns a function that names an entry: ∂y[0,1] / ∂x[2,3].
function nameOfEntry(y, x, down, across) {
  const whole = (name, entry) => (entry.startsWith("[") ? together(name) + entry : entry || together(name));
  return (i, k) => `∂${whole(y, down[i])} / ∂${whole(x, across[k])}`;
}

// A number that is small beside the largest one is given as ~.
function entry(text, most) {
  const element = cell(text === "~" ? "0" : text, most, 0);
  if (text === "~") element.textContent = "≈0";
  return element;
}

// Returns all rows. Of a diagonal matrix only the diagonal is given.
function full(given, down, across) {
  const isDiagonal = given.length < down * across;
  return Array.from({ length: down }, (_, i) =>
    Array.from({ length: across }, (_, k) =>
      isDiagonal ? (i === k ? given[i] : "0") : given[i * across + k],
    ),
  );
}

// Returns the names of the entries of a value: y[0,0], y[0,1] and so on. A long name is left out.
function entriesOf({ name, value }) {
  let indices = [[]];
  for (const size of value.shape)
    indices = indices.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i]));
  const short = name.length > MOST_LETTERS && value.shape.length ? "" : name;
  return indices.map((index) => short + (index.length ? `[${index.join(",")}]` : ""));
}

function tooLarge(...values) {
  const { most } = story.jacobians;
  const sizes = values.map(({ name, value }) => `${name} has ${value.shape.reduce((a, b) => a * b, 1)}`);
  return `${sizes.join(" and ")} entries. This page has Jacobians of values of up to ${most} entries, in graphs that are not large.`;
}

// A click on an arrow leads to the step of its message, and there to its Jacobian if one is shown.
$("graph").addEventListener(
  "click",
  ({ target }) => {
    const id = target.closest(".hit")?.dataset.id;
    const link = drawn.links.find((one) => one.id === id);
    if (!link) return;
    const edge = story.edges.find((one) => one.id === link.uses[0]);
    chosenUse = { source: edge.source, far: false };
  },
  { capture: true },
);

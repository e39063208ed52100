// Numbers that can be changed. The page computes the whole story again, by the program that it has,
// and tells it with the new numbers, at the same step.

const live = madeLive(story.live);

// Adds to what the story says of its changeable numbers what the page needs to know of them.
function madeLive(given) {
  if (!given || given.why) return given;
  for (const input of given.inputs) {
    input.first = Float64Array.from(input.data, Number);
    input.now = input.first.slice();
  }
  const operands = new Map(story.nodes.map(({ id }) => [id, []]));
  for (const { source, target } of story.edges) operands.get(target).push(source);
  const outputs = new Map(given.outputs), arrays = null; // those of the last run
  return { ...given, ...numbered(), operands, outputs, arrays, told: toldAtFirst() };
}

// Returns the numbers of the tables: of each value, and of each step and its parts.
function numbered() {
  const numbers = new Map(story.tables.map((table, number) => [table, number]));
  const number = (table) => (table === null ? null : numbers.get(table));
  const terms = ["earlier", "product", "gradient", "total"];
  const ofPart = (part) => ({
    receiver: part.receiver,
    numbers: Object.fromEntries(terms.map((term) => [term, number(part[term])])),
  });
  return {
    values: new Map(story.nodes.map((node) => [node.id, number(node.value)])),
    terms: story.steps.map(({ nodes, gradient, parts }) => ({
      sender: nodes[0], gradient: number(gradient), parts: parts.map(ofPart),
    })),
  };
}

function toldAtFirst() {
  return {
    tables: [...story.tables],
    names: story.nodes.map(({ name, gradientName }) => ({ name, gradientName })),
    steps: story.steps.map(({ sentence, math, beside, parts }) => ({
      sentence, math, beside, rules: parts.map((part) => part.rule),
    })),
  };
}

function isEdited() {
  return live.inputs.some(({ now, first }) => now.some((x, i) => !Object.is(x, first[i])));
}

// Changes one number, and tells the story again. Throws an error, and changes nothing, if the
// program cannot compute with it.
function change(input, place, number) {
  const before = input.now[place];
  input.now[place] = number;
  try {
    compute();
  } catch (error) {
    input.now[place] = before;
    throw error;
  }
}

function resetNumbers() {
  for (const { now, first } of live.inputs) now.set(first);
  compute();
}

// Computes everything and tells the story again, at the same step.
function compute() {
  const free = live.inputs.filter((input) => !input.refused);
  const edited = isEdited();
  live.arrays = edited ? program(...free.map(({ shape, now }) => ({ shape, data: now }))) : null;
  if (edited) tellAgain();
  else tellAsAtFirst();
  numbersChanged(edited);
  if (Object.keys(live.names).length) drawn.shown = null; // their boxes may need more room
  const root = live.told.names.at(-1).name;
  if (story.title === root)
    document.title = document.querySelector("h1").textContent = story.nodes.at(-1).name;
  const top = $("step").scrollTop;
  show();
  $("step").scrollTop = top;
}

// Returns the array of this number as the program has computed it, undefined if it stays the same.
function computed(number) {
  return live.arrays?.[live.outputs.get(number)];
}

function tellAgain() {
  const sizes = new Map();
  const entry = (number) => {
    if (!sizes.has(number)) {
      const array = computed(number);
      sizes.set(number, array ? largestEntry(array.data) : live.still[number]);
    }
    return sizes.get(number);
  };
  const { tables, cancelled } = noises(live, entry);
  live.told.tables.forEach((before, number) => {
    const array = computed(number), noise = tables.get(number) ?? 0;
    makeLater(number, () => (array ? tabled(array, before, noise) : { ...before, noise }));
  });
  for (const [id, [name, gradientName]] of Object.entries(live.names)) {
    nodes.get(id).name = withNumbers(name);
    if (gradientName) nodes.get(id).gradientName = withNumbers(gradientName);
  }
  live.told.steps.forEach((before, at) => tellStep(at, before, cancelled[at]));
}

// Puts a table into the story that is made when it is first looked at.
function makeLater(number, made) {
  const always = { configurable: true, enumerable: true };
  const put = (how) => Object.defineProperty(story.tables, number, { ...always, ...how });
  put({
    get: () => {
      const value = made();
      put({ value, writable: true });
      return value;
    },
  });
}

// Tells a step with the numbers of now. A gradient derived by hand belongs to those of the start.
function tellStep(at, before, cancelled) {
  const [step, again] = [story.steps[at], live.steps[at]];
  step.parts.forEach((part, i) => {
    part.rule = isNew(again.rules?.[i]) ? withNumbers(again.rules[i]) : before.rules[i];
  });
  const said = [withNumbers(again.sentence ?? before.sentence)];
  step.parts.forEach((part, i) => {
    const isWhole = part.received === part.expected && isFiniteAll(live.terms[at].parts[i].numbers);
    if (!cancelled[i] || !isWhole) return;
    const cancels = live.cancels[cancelled[i].exact ? 0 : 1];
    const own = nodes.get(part.receiver).gradientName;
    said.push(cancels.replace("{}", () => own) + withNumbers(again.taken?.[i] ?? ""));
  });
  if (before.beside.length)
    said.push("The gradient derived by hand is left out, because it belongs to the first numbers.");
  step.sentence = said.join(" ");
  step.beside = [];
  step.math = isNew(again.math) ? treeWithNumbers(again.math) : before.math;
}

function isFiniteAll({ total, gradient }) {
  return computed(total ?? gradient)?.data.every(Number.isFinite) ?? true;
}

function tellAsAtFirst() {
  live.told.tables.forEach((table, number) => makeLater(number, () => table));
  story.nodes.forEach((node, i) => Object.assign(node, live.told.names[i]));
  story.steps.forEach((step, at) => {
    const { rules, ...texts } = live.told.steps[at];
    Object.assign(step, texts);
    step.parts.forEach((part, i) => (part.rule = rules[i]));
  });
}

// Writes the numbers of now in the place of the marks in a text. Other characters stay.
function withNumbers(text) {
  return text.replace(/([\u{100000}-\u{10fffc}])\u{10fffd}*(\.0)?/gu, (found, mark, asFloat) => {
    const number = numberAt(mark);
    if (number === undefined) return found;
    return asFloat && /^-?\d+$/.test(number) ? number + asFloat : number;
  });
}

// Returns whether a number has changed that a text, or a tree of texts, has a mark for. With marks
// a rule is not as simple as with numbers.
function isNew(told) {
  const marks = JSON.stringify(told ?? "").match(/[\u{100000}-\u{10fffc}]/gu) ?? [];
  return marks.some((mark) => numberAt(mark) !== marked(mark)[1]);
}

function marked(mark) {
  return live.marks[mark.codePointAt(0) - 0x100000] ?? [];
}

function numberAt(mark) {
  const [id, before] = marked(mark);
  const array = computed(live.values.get(id));
  if (!array) return before;
  if (nodes.get(id).role !== "constant") return general(array.data[0], 4);
  return constantNumber(live.inputs.find(({ node }) => node === id).now[0]); // no float32 of it
}

function treeWithNumbers(tree) {
  if (typeof tree === "string") return withNumbers(tree);
  if (!Array.isArray(tree)) return tree;
  const [kind, attributes, text] = tree;
  if (kind === "mi" && attributes.class === "constant" && withNumbers(text) !== text)
    return numberTree(withNumbers(text));
  return tree.map(treeWithNumbers);
}

// Makes the formula of a number, a small or large one as 2.5 · 10⁻⁷.
function numberTree(text) {
  const [digits, power] = text.replace(/^-/, "").split("e");
  const exponent = ["mn", {}, String(Number(power)).replace("-", "−")];
  const ten = ["msup", {}, ["mn", {}, "10"], exponent];
  const product = ["mrow", {}, ["mn", {}, digits], ["mo", {}, "·"], ten];
  const size = power === undefined ? ["mn", {}, digits] : digits === "1" ? ten : product;
  return text.startsWith("-") ? ["mrow", {}, ["mo", {}, "−"], size] : size;
}

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

// Computes everything and tells the story again, at the same step. What the story says is worked out
// when it is asked for, so that it costs nothing where it is not shown.
function compute() {
  const free = live.inputs.filter((input) => !input.refused);
  const edited = isEdited();
  live.arrays = edited ? program(...free.map(({ shape, now }) => ({ shape, data: now }))) : null;
  live.noises = edited ? noises(live, entries()) : null;
  if (!live.isFollowed) followNumbers();
  edition += 1;
  rename();
  numbersChanged(edited);
  if (state.near || [...drawn.boxes.values()].some(isOutgrown)) drawn.shown = null;
  const top = $("step").scrollTop;
  show();
  $("step").scrollTop = top;
}

// Returns the array of this number as the program has computed it, undefined if it stays the same.
function computed(number) {
  return live.arrays?.[live.outputs.get(number)];
}

// Returns a function that gives the size of the largest finite entry of an array, by its number.
function entries() {
  const sizes = new Map();
  return (number) => {
    if (!sizes.has(number)) {
      const array = computed(number);
      sizes.set(number, array ? largestEntry(array.data) : live.still[number]);
    }
    return sizes.get(number);
  };
}

function followNumbers() {
  const { tables, steps } = live.told;
  live.isFollowed = true;
  tables.forEach((before, number) =>
    whenAsked(story.tables, number, before, () => tableNow(number, before)),
  );
  steps.forEach(({ sentence, math, beside, rules }, at) => {
    const step = story.steps[at], again = live.steps[at];
    whenAsked(step, "sentence", sentence, () => sentenceNow(at, again.sentence ?? sentence));
    whenAsked(step, "math", math, () => (isNew(again.math) ? treeWithNumbers(again.math) : math));
    whenAsked(step, "beside", beside, () => []); // it belongs to the first numbers
    step.parts.forEach((part, i) => {
      const rule = again.rules?.[i];
      whenAsked(part, "rule", rules[i], () => (isNew(rule) ? withNumbers(rule) : rules[i]));
    });
  });
}

// Lets a property be what it was at first or, where numbers have changed, what `again` returns. That
// is asked at most once after each change.
function whenAsked(owner, name, first, again) {
  let when = 0, value;
  const get = () => {
    if (!live.arrays) return first;
    if (when !== edition) [value, when] = [again(), edition];
    return value;
  };
  Object.defineProperty(owner, name, { get, configurable: true, enumerable: true });
}

function tableNow(number, before) {
  const array = computed(number), noise = live.noises.tables.get(number) ?? 0;
  return array ? tabled(array, before, noise) : { ...before, noise };
}

// Tells a step with the numbers of now. A gradient derived by hand is left out.
function sentenceNow(at, sentence) {
  const again = live.steps[at];
  const said = [withNumbers(sentence)];
  story.steps[at].parts.forEach((part, i) => {
    const isWhole = part.received === part.expected && isFiniteAll(live.terms[at].parts[i].numbers);
    const cancelled = live.noises.cancelled[at][i];
    if (!cancelled || !isWhole) return;
    const cancels = live.cancels[cancelled.exact ? 0 : 1];
    const own = nodes.get(part.receiver).gradientName;
    said.push(cancels.replace("{}", () => own) + withNumbers(again.taken?.[i] ?? ""));
  });
  if (live.told.steps[at].beside.length)
    said.push("The gradient derived by hand is left out, because it belongs to the first numbers.");
  return said.join(" ");
}

function isFiniteAll({ total, gradient }) {
  return computed(total ?? gradient)?.data.every(Number.isFinite) ?? true;
}

// Gives the numbers of now to the values that are called by numbers, and to the page that is called
// by its last value.
function rename() {
  story.nodes.forEach((node, i) => {
    const [name, gradientName] = live.names[node.id] ?? [];
    if (name === undefined) return;
    const first = live.told.names[i];
    node.name = live.arrays ? withNumbers(name) : first.name;
    node.gradientName = live.arrays && gradientName ? withNumbers(gradientName) : first.gradientName;
  });
  if (story.title === live.told.names.at(-1).name)
    document.title = document.querySelector("h1").textContent = story.nodes.at(-1).name;
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

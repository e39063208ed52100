// What the page knows: the story, what has happened by each step, and which step is shown.

const story = JSON.parse(document.getElementById("story").textContent);
// The story gives an array as its number among the tables.
const table = (number) => (number === null ? null : story.tables[number]);
for (const node of story.nodes) node.value = table(node.value);
for (const step of story.steps) {
  step.gradient = table(step.gradient);
  step.beside = step.beside.map(([title, number]) => [title, table(number)]);
  for (const part of step.parts)
    for (const term of ["earlier", "product", "gradient", "total"]) part[term] = table(part[term]);
}
const nodes = new Map(story.nodes.map((node, order) => [node.id, { ...node, order }]));
const known = new Map(); // the step from which on a value is known
const received = new Map(); // for each value, its gradient so far, from which step on
story.steps.forEach((step, at) => {
  for (const id of step.nodes) if (!known.has(id)) known.set(id, at);
  const parts = new Map(step.parts.map((part) => [part.receiver, part]));
  for (const [id, number] of Object.entries(step.gradients)) {
    if (!received.has(id)) received.set(id, []);
    received.get(id).push({ at, table: table(number), part: parts.get(id) });
  }
});

const paths = new Map(); // the paths of the groups, an outer group before those inside it
for (const { scope } of story.nodes)
  for (let i = 1; i <= scope.length; i++) paths.set(key(scope.slice(0, i)), scope.slice(0, i));
const large = story.nodes.length > story.most.boxes;
// The function of each group that is one call of a composed function, such as np.var.
const composed = new Map(story.composed.map(([path, name]) => [key(path), name]));
const closed = new Set(large ? paths.keys() : composed.keys());
// `present` is presenter's mode, `near` the focus view, `maths` mathematics in the place of the code.
const state = { at: 0, follow: large, timer: 0, present: false, near: false, maths: false };
const $ = (id) => document.getElementById(id);

function key(path) {
  return JSON.stringify(path);
}

// Makes an element from text and attributes alone, so that a name can never be more than text.
function make(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "path", "text", "title", "defs", "marker"].includes(name);
  const space = svg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const element = document.createElementNS(space, name);
  for (const [attribute, value] of Object.entries(attributes))
    if (attribute.startsWith("on")) element.addEventListener(attribute.slice(2), value);
    else if (value !== null) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

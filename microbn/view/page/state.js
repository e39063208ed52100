// What the page knows: the story, as it was told, what has happened by each step, and where one is.

const story = JSON.parse(document.getElementById("story").textContent);
// An array is its number among the tables.
const table = (number) => (number === null ? null : story.tables[number]);
for (const node of story.nodes) node.value = table(node.value);
for (const step of story.steps) {
  step.gradient = table(step.gradient);
  for (const part of step.parts)
    for (const name of ["product", "gradient", "total"]) part[name] = table(part[name]);
}
const nodes = new Map(story.nodes.map((node, order) => [node.id, { ...node, order }]));
const known = new Map(); // the step at which a value is there
const received = new Map(); // of each value, what its gradient is from which step on
story.steps.forEach((step, at) => {
  for (const id of step.phase === "backward" ? [] : step.nodes) known.set(id, at);
  for (const part of step.parts)
    note(part.receiver, { at, table: part.total ?? part.gradient, part });
  if (step.gradient) note(step.nodes[0], { at, table: step.gradient });
});

function note(id, entry) {
  if (!received.has(id)) received.set(id, []);
  received.get(id).push(entry);
}

const MOST = 120; // boxes that are drawn at once
const NEAR = 18; // of a graph with more, those around the step

const paths = new Map(); // of the groups, the outermost first
for (const { scope } of story.nodes)
  for (let i = 1; i <= scope.length; i++) paths.set(key(scope.slice(0, i)), scope.slice(0, i));
const large = story.nodes.length > MOST;
const closed = new Set(large ? paths.keys() : []);
const state = { at: 0, follow: large, timer: 0 };
const $ = (id) => document.getElementById(id);

function key(path) {
  return JSON.stringify(path);
}

// Elements are made of text and attributes alone, so no name can be more than text.
function make(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "path", "text", "title", "defs", "marker"].includes(name);
  const element = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes))
    if (attribute.startsWith("on")) element.addEventListener(attribute.slice(2), value);
    else if (value !== null) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

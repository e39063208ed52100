// What the page knows: the story, what has happened by each step, and which step is shown.

const story = {}; // the one that is shown; a film has another one for eval
const nodes = new Map();
const known = new Map(); // the step from which on a value is known
const received = new Map(); // for each value, its gradient so far, from which step on
const edgesById = new Map();
const sentAlong = new Map(); // for each edge, the part that goes back along it, and the step that sends it
let edition = 0; // grows whenever the story is told with other numbers
const paths = new Map(); // the paths of the groups, an outer group before those inside it
const composed = new Map(); // the function of each group that is one call of it, such as np.var

// The story gives an array as its number among the tables. A table is looked up whenever it is asked
// for, so that the story can be told again with other numbers.
function lookUp(owner, name) {
  const number = owner[name];
  const get = () => (number === null ? null : story.tables[number]);
  Object.defineProperty(owner, name, { get });
  return owner;
}

// Makes a story of the page's data ready to be told.
function prepared(told) {
  told.nodes.forEach((node, order) => Object.assign(lookUp(node, "value"), { order }));
  for (const step of told.steps) {
    lookUp(step, "gradient");
    for (const pair of step.beside) lookUp(pair, 1); // a title and an array
    for (const part of step.parts)
      for (const term of ["earlier", "product", "gradient", "total"]) lookUp(part, term);
  }
  return told;
}

// Makes a prepared story the one that is shown.
function tell(told) {
  Object.assign(story, told);
  for (const map of [nodes, known, received, edgesById, sentAlong]) map.clear();
  for (const node of story.nodes) nodes.set(node.id, node);
  for (const edge of story.edges) edgesById.set(edge.id, edge);
  story.steps.forEach((step, at) => {
    for (const id of step.nodes) if (!known.has(id)) known.set(id, at);
    for (const part of step.parts) sentAlong.set(part.edge, { part, at });
    const parts = new Map(step.parts.map((part) => [part.receiver, part]));
    for (const [id, table] of Object.entries(step.gradients)) {
      if (!received.has(id)) received.set(id, []);
      received.get(id).push(lookUp({ at, table, part: parts.get(id) }, "table"));
    }
  });
  for (const { scope } of story.nodes)
    for (let i = 1; i <= scope.length; i++) paths.set(key(scope.slice(0, i)), scope.slice(0, i));
  for (const [path, name] of story.composed) composed.set(key(path), name);
}

tell(prepared(JSON.parse($("story").textContent)));

// Tells the story with other tables, by their numbers, and other sentences, by the numbers of their
// steps, and shows the same step.
function retell({ tables, sentences }) {
  edition += 1;
  Object.assign(story.tables, tables);
  for (const [at, sentence] of Object.entries(sentences)) story.steps[at].sentence = sentence;
  show();
}

const large = story.nodes.length > story.most.boxes;
// A graph that is not large can still have too many boxes to be read beside each other. Then it opens
// with the groups of modules closed, but for those of the step.
const many = !large && paths.size > composed.size && boxesAtFirst() > story.most.open;
const closed = new Set(large || many ? paths.keys() : composed.keys());
// `present` is presenter's mode, `near` the focus view, `maths` mathematics in the place of the code,
// `jacobian` a Jacobian in the place of the tables.
const state = { at: 0, follow: large || (many && "modules"), timer: 0, present: false, near: false, maths: false, jacobian: false };
// What a film adds to a page: to each step that is shown, to the address, and in going there.
const film = { show() {}, address: () => "", goTo() {} };

function key(path) {
  return JSON.stringify(path);
}

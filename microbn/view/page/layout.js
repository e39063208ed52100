// Where everything stands: values in rows, each below its operands (Sugiyama's method).
//
// A group is laid out by itself, and is then one box in the group around it. So frames nest and
// never overlap. An edge crosses a frame at a port, which is a point on its rim.

const ROW_GAP = 20;
let rowGap = ROW_GAP;
const GAP = 22;
const SWEEPS = 12;

// A box is {id, width, height}, or a group {id, children: [box]}; `order` says which of two boxes
// was made first. `gap` is the space between rows. Sets the corner x, y of each box, and the width
// and height of each group. Returns the points of each edge, by its id.
function layout(root, edges, gap) {
  rowGap = gap;
  const routes = { leaving: new Map(), entering: new Map(), whole: new Map() };
  arrange(root, edges);
  settle(root, 0, 0, routes);
  return routes.whole;
}

function arrange(group, edges, up = new Set()) {
  const home = new Map(); // which child a value is in
  for (const child of group.children) for (const id of values(child)) home.set(id, child);
  const mine = edges.filter((edge) => home.has(edge.source) || home.has(edge.target));
  for (const { id, source, target } of mine) {
    const [from, to] = [home.get(source), home.get(target)];
    if (from && to && from.order > to.order) up.add(id); // closed groups can make a cycle; this edge is drawn upwards
  }
  for (const child of group.children) if (child.children) arrange(child, mine, up);

  const items = [...group.children];
  const links = [];
  group.ports = new Map();
  for (const edge of mine) {
    const from = home.get(edge.source) ?? port(group, items, edge, true, up);
    const to = home.get(edge.target) ?? port(group, items, edge, false, up);
    if (from === to) continue;
    const back = from.order > to.order;
    links.push({ edge, back, upper: back ? to : from, lower: back ? from : to });
  }
  const rows = inOrder(inRows(items, links), links);
  group.width = across(rows, links);
  group.height = down(rows);
  group.links = links;
}

function values(box) {
  return box.children ? box.children.flatMap(values) : [box.id];
}

// Adds a port. An edge enters a group at the top and leaves it at the bottom; an edge that is drawn
// upwards does the opposite.
function port(group, items, edge, entry, up) {
  const order = entry === up.has(edge.id) ? Infinity : -1;
  const item = { id: edge.id, width: 0, height: 0, order, port: true, entry };
  items.push(item);
  group.ports.set(edge.id, item);
  return item;
}

// Sets the row of each item, below the rows of its operands. A leaf stands just above its first
// use. A link over several rows gets a bend in each row between.
function inRows(items, links) {
  items.sort((a, b) => a.order - b.order);
  const inner = items.filter((item) => !item.port);
  const first = items.some((item) => item.order < 0) ? 1 : 0;
  for (const item of items) item.row = item.port ? 0 : first;
  const below = groupBy(links, (link) => link.upper);
  for (const item of items)
    for (const { lower } of below.get(item) ?? []) lower.row = Math.max(lower.row, item.row + 1);
  const made = new Set(links.map((link) => link.lower));
  for (const item of inner)
    if (!made.has(item) && below.has(item))
      item.row = Math.min(...below.get(item).map((link) => link.lower.row)) - 1;
  const last = Math.max(0, ...inner.map((item) => item.row));
  for (const item of items) if (item.order === Infinity) item.row = last + 1;

  const rows = Array.from({ length: last + 2 }, () => []);
  for (const item of items) rows[item.row].push(item);
  for (const link of links) {
    link.bends = [];
    for (let row = link.upper.row + 1; row < link.lower.row; row++) {
      const bend = { width: 4, height: 0, bend: true };
      link.bends.push(bend);
      rows[row].push(bend);
    }
  }
  return rows.filter((row) => row.length);
}

// Orders each row by the mean place of the neighbours above, then of those below, and so on.
function inOrder(rows, links) {
  for (const row of rows) for (const item of row) Object.assign(item, { up: [], down: [] });
  for (const { upper, lower, bends } of links) {
    const chain = [upper, ...bends, lower];
    for (let i = 1; i < chain.length; i++) {
      chain[i].up.push(chain[i - 1]);
      chain[i - 1].down.push(chain[i]);
    }
  }
  const number = (row) => row.forEach((item, i) => (item.place = (i + 0.5) / row.length));
  rows.forEach(number);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : [...rows].reverse()) {
      for (const item of row) {
        const near = down ? item.up : item.down;
        item.wish = near.length ? mean(near.map((n) => n.place)) : item.place;
      }
      row.sort((a, b) => a.wish - b.wish);
      number(row);
    }
  }
  return rows;
}

// Sets x of every item, as near to its neighbours as the order and the gaps allow. Returns the
// width.
function across(rows, links) {
  for (const row of rows) {
    let x = 0;
    for (const item of row) {
      item.cx = x + item.width / 2;
      x += item.width + GAP;
    }
  }
  for (let sweep = 0; sweep <= SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : [...rows].reverse()) {
      const wishes = row.map((item) => {
        const near = sweep === SWEEPS ? [...item.up, ...item.down] : down ? item.up : item.down;
        return near.length ? mean(near.map((n) => n.cx)) : item.cx;
      });
      apart(row, wishes);
    }
  }
  const all = rows.flat();
  const left = Math.min(...all.map((item) => item.cx - item.width / 2)) - GAP / 2;
  for (const item of all) item.x = (item.cx -= left) - item.width / 2;
  for (const side of ["upper", "lower"]) fan(links, side);
  return Math.max(...all.map((item) => item.x + item.width)) + GAP / 2;
}

// Sets where on an item's rim its links end: at the port if it is a group, or else side by side, in
// the order of their other ends.
function fan(links, side) {
  for (const [item, own] of groupBy(links, (link) => link[side])) {
    const other = ({ bends, upper, lower }) =>
      side === "upper" ? (bends[0] ?? lower).cx : (bends.at(-1) ?? upper).cx;
    own.sort((a, b) => other(a) - other(b));
    const step = Math.min(18, item.width / (own.length + 1));
    own.forEach((link, i) => {
      const port = item.ports?.get(link.edge.id);
      link[side + "X"] = port ? item.x + port.cx : item.cx + (i - (own.length - 1) / 2) * step;
    });
  }
}

// Moves items as near to their wishes as order and gaps allow, by least squares. Items that would
// collide form a run and move as one (pool adjacent violators).
function apart(row, wishes) {
  const offsets = [0];
  for (let i = 1; i < row.length; i++)
    offsets.push(offsets[i - 1] + (row[i - 1].width + row[i].width) / 2 + GAP);
  const runs = [];
  row.forEach((item, i) => {
    let run = { at: wishes[i] - offsets[i], weight: item.bend ? 4 : 1, count: 1 };
    while (runs.length && runs.at(-1).at > run.at) {
      const before = runs.pop();
      const weight = before.weight + run.weight;
      const at = (before.at * before.weight + run.at * run.weight) / weight;
      run = { at, weight, count: before.count + run.count };
    }
    runs.push(run);
  });
  let i = 0;
  for (const run of runs) for (let k = 0; k < run.count; k++, i++) row[i].cx = run.at + offsets[i];
}

// Sets y of every item, row by row. Returns the height.
function down(rows) {
  let y = rows[0].every((item) => item.port) ? 0 : rowGap;
  let bottom = y;
  for (const row of rows) {
    const height = Math.max(...row.map((item) => item.height));
    for (const item of row) {
      item.top = y;
      item.bottom = y + height;
      item.y = y + (height - item.height) / 2;
    }
    bottom = y + height;
    y = bottom + rowGap;
  }
  return rows.at(-1).every((item) => item.port) ? bottom : bottom + rowGap;
}

// Turns places in a group into places on the page. An edge is put together from its pieces, group
// by group.
function settle(group, x, y, routes) {
  group.x = x;
  group.y = y;
  const pieces = new Map();
  for (const { edge, back, upper, lower, upperX, lowerX, bends } of group.links) {
    const points = [[x + upperX, y + upper.y + upper.height]];
    for (const bend of bends)
      points.push([x + bend.cx, y + bend.top], [x + bend.cx, y + bend.bottom]);
    points.push([x + lowerX, y + lower.y]);
    pieces.set(edge.id, back ? points.reverse() : points);
  }
  for (const child of group.children) {
    if (child.children) settle(child, x + child.x, y + child.y, routes);
    else Object.assign(child, { x: x + child.x, y: y + child.y });
  }
  for (const [id, points] of pieces) {
    const leaving = [...(routes.leaving.get(id) ?? []), ...points];
    const entering = routes.entering.get(id) ?? [];
    const port = group.ports.get(id);
    if (!port) routes.whole.set(id, [...leaving, ...entering]);
    else if (port.entry) routes.entering.set(id, [...points, ...entering]);
    else routes.leaving.set(id, leaving);
  }
}

function groupBy(list, key) {
  const found = new Map();
  for (const one of list) {
    if (!found.has(key(one))) found.set(key(one), []);
    found.get(key(one)).push(one);
  }
  return found;
}

function mean(numbers) {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length;
}

// The step in words and numbers: its line of code, and a table for each array.

function tables(step) {
  const reads = step.reads.map((id) => value(nodes.get(id)));
  if (step.phase === "given") return given(step.nodes);
  const node = nodes.get(step.nodes[0]);
  if (step.phase === "forward")
    return [row(...operands(step, node, reads), then("→", value(node, "whole")))];
  if (!step.parts.length) reads.push(value(node)); // so that a leaf stands beside its gradient
  const read = row(...reads);
  read.classList.add("reads");
  const cards = make("div", { class: "cards" }, ...step.parts.map(card));
  const beside = row(...step.beside.map(([title, array]) => numbers(array, title, "whole")));
  const whole = numbers(step.gradient, node.gradientName, "whole");
  const gradient = row(playable(whole, node.id, true));
  const opens = story.opens > 0 && state.at === story.opens; // because of what stands beside
  beside.classList.toggle("compared", opens);
  const groups = opens ? [beside, gradient, read, cards] : [gradient, read, cards, beside];
  return groups.filter((group) => group.children.length);
}

// Puts the sign of an operation, such as ×, between the tables of its two operands.
function operands(step, { sign }, reads) {
  if (reads.length !== 2 || step.edges.length !== 2 || /\p{Letter}/u.test(sign)) return reads;
  return [reads[0], then(sign, reads[1])];
}

function given(ids) {
  const shown = ids.slice(0, story.most.leaves).map((id) => value(nodes.get(id)));
  const rest = ids.length - shown.length;
  return [row(...shown, rest > 0 ? `and ${rest} more` : "")];
}

// Shows one part as a sum: the gradient so far, plus the rule's result (summed to shape), and the
// new total. The same number has the same colour in all of them.
function card(part) {
  const { name, gradientName } = nodes.get(part.receiver);
  const kind = part.received === part.expected ? "whole" : "";
  const head = make("h2", {}, make("span", {}, `to ${name}`));
  head.append(make("span", { class: "rule" }, part.rule));
  if (part.pattern) head.append(make("span", { class: "pattern" }, part.pattern));
  if (part.count) head.append(make("span", { class: "count" }, `part ${part.count}`));
  const terms = [part.earlier, part.product, part.gradient, part.total].filter(Boolean);
  const most = Math.max(...terms.map(largest));
  const term = (table, name, kind = "") => numbers(table, name, kind, most);
  const mine = part.count
    ? term(part.gradient, "this part")
    : term(part.gradient, gradientName, "whole");
  const plus = (figure) => (part.earlier ? then("+", figure) : figure);
  const sums = row();
  if (part.earlier) sums.append(term(part.earlier, `${gradientName} so far`));
  if (part.product)
    sums.append(plus(term(part.product, "the rule gives")), then(`${part.summed} →`, mine));
  else sums.append(plus(mine));
  if (terms.length === 1 && part.count) mine.classList.add("alone");
  if (part.total)
    sums.append(then("=", term(part.total, `${gradientName}, ${part.count}`, kind)));
  return make("div", { class: "card" }, head, sums);
}

function row(...children) {
  return make("div", { class: "tables" }, ...children);
}

// Puts a sign before a table, so that the two stay together.
function then(sign, figure) {
  return make("span", { class: "then" }, make("span", { class: "sign" }, sign), figure);
}

function value(node, kind = "") {
  return playable(numbers(node.value, node.name, kind), node.id);
}

// Shows an array as a table in colours, with its name and shape above it. A large array is cut, and
// its range stands below. Cells of the size `most` are the darkest.
function numbers(table, name, kind = "", most = largest(table)) {
  const shape = table.shape.length ? ` ${tuple(table.shape)}` : "";
  const words = make("span", {}, name, make("span", { class: "shape" }, shape));
  const element = make("table", { class: `${kind} ${table.rows[0]?.length > 6 ? "broad" : ""}` });
  element.append(make("caption", {}, words));
  table.rows.forEach((cells, i) => {
    const line = make("tr", {}, ...cells.map((text) => cell(text, most, table.noise)));
    if (table.labels[i]) line.prepend(make("th", { scope: "row" }, table.labels[i]));
    element.append(line);
  });
  const figure = make("figure", {}, element);
  lineUp(element, table.rows);
  if (table.blocks.length) {
    const range = `of all: ${table.low} to ${table.high}, mean ${table.mean}`;
    figure.append(make("figcaption", {}, range));
  }
  if (!table.rows.length) figure.append(make("figcaption", {}, "empty"));
  return figure;
}

function cell(text, most, noise) {
  const { background, ink } = colour(text, most, noise);
  const element = make("td", {}, text);
  element.style.background = background;
  element.style.color = ink;
  return element;
}

// Shows the line that computed the value, marked, with the lines beside it that also ran; or, if the
// reader wants it and the step has it, the mathematics.
function code({ code, ran, math }) {
  if (state.maths && math.length) return [make("div", { id: "formulas" }, ...maths(math))];
  const shown = code.map(([number, text]) => {
    const words = `${String(number).padStart(4)}  ${text}\n`;
    return make(number === ran ? "mark" : "span", {}, words);
  });
  return shown.length ? [make("pre", {}, ...shown)] : [];
}

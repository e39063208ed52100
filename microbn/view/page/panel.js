// The step in words and numbers: its line of code, and a table for each array, to be read aloud.

const MOST_GIVEN = 12; // tables of leaves; there may be many

function tables(step) {
  const reads = step.reads.map((id) => value(nodes.get(id)));
  if (step.phase === "given") return given(step.nodes);
  const node = nodes.get(step.nodes[0]);
  if (step.phase === "forward") return [row(...reads, then("→", value(node, "whole")))];
  const gradient = numbers(step.gradient, node.gradientName, "whole");
  return [row(gradient, ...reads), ...step.parts.map(card)];
}

function given(ids) {
  const shown = ids.slice(0, MOST_GIVEN).map((id) => value(nodes.get(id)));
  const rest = ids.length - shown.length;
  return [row(...shown, rest > 0 ? `and ${rest} more` : "")];
}

// What one use sends: the rule, what it gives, the sum over repeated axes, the sum at the fork.
function card(part) {
  const { name, gradientName } = nodes.get(part.receiver);
  const forked = part.expected > 1;
  const kind = part.received === part.expected ? "whole" : "";
  const head = make("h2", {}, make("span", {}, `to ${name}`));
  head.append(make("span", { class: "rule" }, part.rule));
  if (forked) head.append(make("span", { class: "count" }, `part ${counted(part)}`));
  const mine = numbers(part.gradient, forked ? "this part" : gradientName, forked ? "" : "whole");
  const sums = row();
  const earlier = soFar(part);
  if (earlier) sums.append(numbers(earlier, `${gradientName} so far`));
  if (part.product) {
    const product = numbers(part.product, "the rule gives");
    sums.append(earlier ? then("+", product) : product, then(`${part.summed} →`, mine));
  } else sums.append(earlier ? then("+", mine) : mine);
  if (part.total)
    sums.append(then("=", numbers(part.total, `${gradientName}, ${counted(part)}`, kind)));
  return make("div", { class: "card" }, head, sums);
}

function counted(part) {
  return `${part.received} of ${part.expected}`;
}

// What a value had received before this part.
function soFar(part) {
  const before = received
    .get(part.receiver)
    .find((entry) => entry.part?.received === part.received - 1);
  return before?.table;
}

function row(...children) {
  return make("div", { class: "tables" }, ...children);
}

// A sign that stays with the table after it.
function then(sign, figure) {
  return make("span", { class: "then" }, make("span", { class: "sign" }, sign), figure);
}

function value(node, kind = "") {
  return numbers(node.value, node.name, kind);
}

// An array as a table in colours, with its name and shape above; of a large one the means of its
// blocks, with the range below.
function numbers(table, name, kind = "") {
  const most = largest(table);
  const shape = table.shape.length ? ` ${tuple(table.shape)}` : "";
  const element = make("table", { class: `${kind} ${table.block ? "blocks" : ""}` });
  element.append(make("caption", {}, name + shape));
  table.rows.forEach((cells, i) => {
    const line = make("tr", {}, ...cells.map((text) => cell(text, most)));
    if (table.labels[i]) line.prepend(make("th", { scope: "row" }, table.labels[i]));
    element.append(line);
  });
  const figure = make("figure", {}, element);
  if (table.block) {
    const range = `${table.low} to ${table.high}, mean ${table.mean}`;
    const each = `each cell the mean of up to ${table.block.join(" × ")}`;
    figure.append(make("figcaption", {}, `${range}; ${each}`));
  }
  if (!table.rows.length) figure.append(make("figcaption", {}, "empty"));
  return figure;
}

function cell(text, most) {
  const { background, ink } = colour(text, most);
  const element = make("td", {}, text);
  element.style.background = background;
  element.style.color = ink;
  return element;
}

// The line that computed the value, with those beside it that ran as well.
function code({ line, code }) {
  if (!line) return [];
  const { number } = line.inside ?? line;
  const indent = Math.min(...code.map(([, text]) => text.search(/\S|$/)));
  const shown = code.map(([n, text]) => {
    const words = `${String(n).padStart(4)}  ${text.slice(indent)}\n`;
    return make(n === number ? "mark" : "span", {}, words);
  });
  return [make("pre", {}, ...shown)];
}

function whence(line) {
  if (!line) return "";
  const place = ({ file, number }) => `${file.split(/[\\/]/).at(-1)}:${number}`;
  return line.inside ? `${place(line.inside)}, called at ${place(line)}` : place(line);
}

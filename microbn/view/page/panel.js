// The step in words and numbers: its line of code, and a table for each array, to be read aloud.

function tables(step) {
  const [node] = step.nodes.map((id) => nodes.get(id));
  if (step.phase === "given")
    return [row(...step.nodes.slice(0, 12).map((id) => value(nodes.get(id))))];
  if (step.phase === "backward") {
    const gradient = numbers(step.gradient, node.gradient, "whole");
    return [row(value(node), gradient), ...step.parts.map(card)];
  }
  const uses = story.edges.filter((edge) => edge.target === node.id);
  const operands = [...new Set(uses.map((edge) => nodes.get(edge.source)))];
  const shown = operands.filter((n) => n.value.shape.length || n.role !== "constant");
  return [row(...shown.map((n) => value(n)), gives("→"), value(node, "whole"))];
}

// What one use sends: the rule, what it gives, the sum over repeated axes, the sum at the fork.
function card(part) {
  const { name, gradient } = nodes.get(part.receiver);
  const forked = part.expected > 1;
  const kind = part.received === part.expected ? "whole" : "";
  const head = make("h2", {}, make("span", {}, `to ${name}`));
  head.append(make("span", { class: "rule" }, part.rule));
  if (forked) head.append(make("span", { class: "count" }, `part ${counted(part)}`));
  const sums = row();
  const earlier = soFar(part);
  if (earlier) sums.append(numbers(earlier, `${gradient} so far`), gives("+"));
  if (part.product) sums.append(numbers(part.product, "the rule gives"), gives(`${part.summed} →`));
  sums.append(numbers(part.gradient, forked ? "this part" : gradient, forked ? "" : "whole"));
  if (part.total)
    sums.append(gives("="), numbers(part.total, `${gradient}, ${counted(part)}`, kind));
  return make("section", { class: "card" }, head, sums);
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

function gives(text) {
  return make("span", { class: "gives" }, text);
}

function value(node, kind = "") {
  return numbers(node.value, node.name, kind);
}

// An array as a table in colours, with its name and shape above; of a large one the means of its
// blocks, in colours alone, with the range below.
function numbers(table, name, kind = "") {
  const most = largest(table);
  const shape = table.shape.length ? `  ${table.shape.join("×")}` : "";
  const element = make("table", { class: `${kind} ${table.block ? "blocks" : ""}` });
  element.append(make("caption", {}, name + shape));
  table.rows.forEach((cells, i) => {
    const line = make("tr", {}, ...cells.map((text) => cell(text, most, table.block)));
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

function cell(text, most, block) {
  const { background, ink } = colour(text, most);
  const element = block ? make("td", { title: text }) : make("td", {}, text);
  element.style.background = background;
  element.style.color = ink;
  return element;
}

// The line that computed the value, with those beside it.
function code(line) {
  if (!line) return [];
  const { file, number } = line.inside ?? line;
  const text = story.code[file];
  const near = [number - 1, number, number + 1].filter((n) => n in text);
  const indent = Math.min(...near.filter((n) => text[n].trim()).map((n) => text[n].search(/\S/)));
  const shown = near.map((n) => {
    const words = `${String(n).padStart(4)}  ${text[n].slice(indent)}\n`;
    return make(n === number ? "mark" : "span", {}, words);
  });
  return [make("pre", {}, ...shown)];
}

function whence(line) {
  if (!line) return "";
  const place = ({ file, number }) => `${file.split(/[\\/]/).at(-1)}:${number}`;
  return line.inside ? `${place(line.inside)}, called at ${place(line)}` : place(line);
}

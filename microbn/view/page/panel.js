// The step in words and numbers: tables in the place of figures, so that they can be read aloud.

function numbers(table, caption, kind = "") {
  const most = largest(table);
  const element = make("table", { class: kind }, make("caption", {}, caption));
  const body = make("tbody");
  table.rows.forEach((row, i) => {
    const cells = row.map((text) => {
      const { background, text: ink } = colour(text, most);
      const cell = make("td", {}, table.block ? "" : text);
      if (table.block) cell.title = text;
      cell.style.background = background;
      cell.style.color = ink;
      return cell;
    });
    const label = table.labels[i];
    body.append(make("tr", {}, ...(label ? [make("th", { scope: "row" }, label)] : []), ...cells));
  });
  element.append(body);
  const figure = make("figure", {}, element);
  if (table.block) {
    const [rows, columns] = table.block;
    element.classList.add("blocks");
    figure.append(
      make(
        "figcaption",
        {},
        `${table.low} to ${table.high}, mean ${table.mean}; each cell the mean of up to ${rows} × ${columns}`,
      ),
    );
  }
  if (!table.rows.length) figure.append(make("figcaption", {}, "empty"));
  return figure;
}

function sized(name, table) {
  return table.shape.length ? `${name}  ${table.shape.join("×")}` : name;
}

function gradientName(node) {
  return /\s/.test(node.name) ? `d(${node.name})` : `d${node.name}`;
}

function tables(step) {
  const all = [];
  const row = (...children) => make("div", { class: "tables" }, ...children);
  if (step.phase === "backward") {
    const node = nodes.get(step.nodes[0]);
    all.push(
      row(
        numbers(node.value, sized(node.name, node.value)),
        numbers(step.gradient, sized(gradientName(node), step.gradient), "whole"),
      ),
    );
    for (const part of step.parts) all.push(card(part));
  } else if (step.phase === "forward") {
    const node = nodes.get(step.nodes[0]);
    const operands = story.edges
      .filter((edge) => edge.target === node.id)
      .map((edge) => nodes.get(edge.source));
    const seen = [...new Set(operands)].filter(
      (n) => n.value.shape.length || n.role !== "constant",
    );
    all.push(
      row(
        ...seen.map((n) => numbers(n.value, sized(n.name, n.value))),
        make("span", { class: "gives" }, "→"),
        numbers(node.value, sized(node.name, node.value), "whole"),
      ),
    );
  } else {
    all.push(
      row(
        ...step.nodes
          .slice(0, 12)
          .map((id) =>
            numbers(nodes.get(id).value, sized(nodes.get(id).name, nodes.get(id).value)),
          ),
      ),
    );
  }
  return all;
}

// What one use sends: the rule, what it gives, the sum over repeated axes, the sum at the fork.
function card(part) {
  const node = nodes.get(part.receiver);
  const name = gradientName(node);
  const count = part.expected > 1 ? `part ${part.received} of ${part.expected}` : "";
  const head = make(
    "h2",
    {},
    make("span", { class: "to" }, `to ${node.name}`),
    make("span", { class: "rule" }, part.rule),
    make("span", { class: "count" }, count),
  );
  const row = make("div", { class: "tables" });
  if (part.product)
    row.append(
      numbers(part.product, sized("the rule gives", part.product)),
      make("span", { class: "gives" }, part.summed + " →"),
    );
  row.append(
    numbers(
      part.gradient,
      part.expected > 1 ? sized("this part", part.gradient) : sized(name, part.gradient),
      part.expected > 1 ? "" : "whole",
    ),
  );
  if (part.total)
    row.append(
      make("span", { class: "gives" }, "added up →"),
      numbers(
        part.total,
        sized(`${name}, ${part.received} of ${part.expected}`, part.total),
        part.received === part.expected ? "whole" : "",
      ),
    );
  return make("section", { class: "card", "aria-label": `to ${node.name}` }, head, row);
}

function code(step) {
  if (!step.line) return [];
  const shown = step.line.inside ?? step.line;
  const text = story.code[shown.file];
  const lines = Object.keys(text)
    .map(Number)
    .filter((n) => Math.abs(n - shown.number) <= 1);
  const indent = Math.min(...lines.filter((n) => text[n].trim()).map((n) => text[n].search(/\S/)));
  const pre = make(
    "pre",
    {},
    ...lines.map((n) =>
      make(
        n === shown.number ? "mark" : "span",
        {},
        `${String(n).padStart(4)}  ${text[n].slice(indent)}\n`,
      ),
    ),
  );
  return [pre];
}

function whence(line) {
  if (!line) return "";
  const place = ({ file, number }) => `${file.split(/[\\/]/).at(-1)}:${number}`;
  return line.inside ? `${place(line.inside)}, called at ${place(line)}` : place(line);
}

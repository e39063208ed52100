// Explains the words of ours where they stand: on the word itself, and in a list of the step's words.

// Returns the words of a step that need an explanation, each with its meaning.
function wordsOf(step) {
  const { functions, patterns, inside, part, unnamed } = story.words;
  const found = new Map();
  const seen = valuesSeen(step);
  const texts = [step.sentence, ...step.parts.map((one) => one.rule), ...seen.map((n) => n.name)];
  for (const [word, meaning] of Object.entries(functions)) {
    const called = texts.some((text) => new RegExp(`(^|[^\\w.])${word}\\(`).test(text));
    if (called || seen.some(({ sign }) => sign === word)) found.set(word, meaning);
  }
  for (const one of step.parts.flatMap(({ pattern }) => (pattern ? pattern.split(", ") : [])))
    if (patterns[one]) found.set(one, patterns[one]);
  if (step.parts.some(({ count }) => count)) found.set("part", part);
  for (const node of seen) {
    const meaning = isUnnamed(node) ? unnamed : meaningInside(node, inside);
    if (meaning) found.set(node.name, meaning);
  }
  if (step.phase === "backward") {
    const { name, gradientName } = nodes.get(step.nodes[0]);
    found.set(gradientName, `the gradient of the loss with respect to ${name}`);
  }
  return found;
}

// Returns what a value is in the function around it, such as `shifted` in softmax.
function meaningInside(node, inside) {
  const around = groupsOf(node).map((path) => composed.get(path));
  const known = around.filter((name) => name && Object.hasOwn(inside, name));
  return known.map((name) => inside[name]).find((names) => Object.hasOwn(names, node.name))?.[node.name];
}

// Returns the values that a step speaks of.
function valuesSeen(step) {
  if (step.phase === "given") return [];
  const ids = [...step.nodes, ...step.reads, ...step.parts.map((part) => part.receiver)];
  return [...new Set(ids)].map((id) => nodes.get(id));
}

// A name such as mean6 is made of a function and a number.
function isUnnamed({ name, sign }) {
  const [, word] = /^(\p{L}[\p{L}_]*?)\d+$/u.exec(name) ?? [];
  return word !== undefined && (word === sign || story.operators[word] === sign);
}

// Puts the explanations where the words stand, and lists them.
function explain(step) {
  const found = wordsOf(step);
  for (const place of document.querySelectorAll("#step .rule, #step .pattern, #step caption > span"))
    explainIn(place, found);
  const list = $("words").querySelector("dl");
  const items = [...found].flatMap(([word, meaning]) => [
    make("dt", {}, word), make("dd", {}, meaning),
  ]);
  list.replaceChildren(...items);
  $("words").hidden = !found.size;
}

// Marks the words in the texts of an element.
function explainIn(place, found) {
  const apart = place.matches(".pattern") ? /(, )/ : /([\p{L}\p{M}_][\p{L}\p{M}\p{N}_]*)/u;
  for (const text of [...place.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)) {
    const pieces = found.has(text.data) ? [text.data] : text.data.split(apart);
    const mark = (word) => make("abbr", { title: found.get(word) }, word);
    if (pieces.some((word) => found.has(word)))
      text.replaceWith(...pieces.map((word) => (found.has(word) ? mark(word) : word)));
  }
}

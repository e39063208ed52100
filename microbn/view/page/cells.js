// The cells of a table of numbers that can be changed: they are clicked, or reached by arrow keys,
// and typed into. Enter takes the number, and Escape leaves it as it was.

let chosen = null; // the number that was changed or looked at last, { input, place }

// Makes the cells of a figure changeable, if it shows a leaf or the cotangent.
function playable(figure, id, isCotangent = false) {
  const input = live?.inputs?.find(
    (one) => one.node === id && (one.kind === "cotangent") === isCotangent,
  );
  if (!input) return figure;
  if (story.tables[input.table].blocks.length) {
    figure.append(make("figcaption", {}, "This array is too large to be changed here."));
    return figure;
  }
  const cells = [...figure.querySelectorAll("td")];
  const at = chosen?.input === input ? chosen.place : 0;
  figure.querySelector("table").setAttribute("role", "grid");
  cells.forEach((cell, place) => {
    cell.dataset.cell = `${live.inputs.indexOf(input)} ${place}`;
    cell.tabIndex = place === at ? 0 : -1;
    cell.setAttribute("aria-label", `${cellName(input, place)}: ${cell.textContent}`);
    if (input.refused) cell.setAttribute("aria-readonly", "true");
    else cell.classList.add("playable");
    cell.addEventListener("focus", () => choose(input, place));
    cell.addEventListener("mousedown", (event) => leaveForCell(event, cell));
    cell.addEventListener("click", () => cell.querySelector("input") ?? edit(cell, input, place));
    cell.addEventListener("keydown", (event) => keyInCell(event, cell, input, place));
  });
  return figure;
}

// A click on a cell while another is typed into: taking that number makes all cells anew, and the
// click would be lost.
function leaveForCell(event, cell) {
  const field = document.querySelector("td input");
  if (!field || cell.contains(field)) return;
  event.preventDefault();
  field.blur();
  document.querySelector(`[data-cell="${cell.dataset.cell}"]`)?.click();
}

// Writes the name of a number: x[0, 1], or x if it has no axes.
function cellName({ node, kind, shape }, place) {
  const { name, gradientName } = nodes.get(node);
  const word = kind === "cotangent" ? gradientName : constantName(node, name);
  if (!shape.length) return word;
  const index = shape.map((n, axis) => {
    const after = shape.slice(axis + 1).reduce((x, y) => x * y, 1);
    return Math.floor(place / after) % n;
  });
  return `${word}[${index.join(", ")}]`;
}

// Returns what a constant is called, ε and not ε = 1e-05; of several ε, the one of its layer.
function constantName(id, name) {
  const [word] = name.split(" = ");
  const alike = live.inputs.filter(({ node }) => nodes.get(node).name.split(" = ")[0] === word);
  const place = nodes.get(id).scope.join(".");
  return alike.length > 1 && place ? `${word} of ${place}` : word;
}

function keyInCell(event, cell, input, place) {
  if (event.target !== cell || event.ctrlKey || event.altKey || event.metaKey) return;
  const across = input.shape.at(-1) ?? 1;
  const ways = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across };
  const { key } = event;
  if (key in ways) {
    const stays = key === "ArrowLeft" && place % across === 0;
    const leaves = key === "ArrowRight" && place % across === across - 1;
    if (!stays && !leaves) focusCell(input, place + ways[key]);
  } else if (key === "Escape") cell.blur();
  else if (key === "Enter" || key === "F2") edit(cell, input, place);
  else if (/^[-+.\d]$/.test(key)) edit(cell, input, place, key);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function focusCell(input, place) {
  const name = `${live.inputs.indexOf(input)} ${place}`;
  document.querySelector(`[data-cell="${name}"]`)?.focus();
  fill(); // the bar may have another height now
}

// Lets a number be typed into its cell. A digit may have been typed before.
function edit(cell, input, place, typed = "") {
  pause();
  choose(input, place);
  toggleBar(true);
  if (input.refused) return say(refusal(input, place));
  const field = numberField(input, place, (isTaken, isBack) => {
    if (!isTaken) show();
    if (isBack) focusCell(input, place);
  });
  field.value = typed || exactly(input.now[place]);
  const widen = () => (field.style.width = `calc(${Math.max(field.value.length, 3)}ch + 14px)`);
  field.addEventListener("input", widen);
  widen();
  cell.replaceChildren(field);
  cell.removeAttribute("tabindex"); // so that the field alone is what one can reach
  field.focus();
  if (!typed) field.select();
}

// Makes a field for a number. Enter takes what was typed, and so does a click elsewhere if it is a
// number; Escape does not. Then `left` is told whether it was taken, and whether by a key.
function numberField(input, place, left) {
  const field = make("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
  field.setAttribute("aria-label", cellName(input, place));
  let isLeaving = false; // a field that is removed loses the focus once more
  const leave = (isTaken, isBack) => {
    if (isLeaving) return;
    isLeaving = true;
    if (!isTaken || take(input, place, field.value)) left(isTaken, isBack);
    else field.setAttribute("aria-invalid", "true");
    isLeaving = false;
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" || event.key === "Escape") leave(event.key === "Enter", true);
  });
  field.addEventListener("blur", () => {
    const isOther = field.value !== exactly(input.now[place]);
    leave(isOther && readNumber(field.value) !== null, false);
  });
  return field;
}

// Returns the number that a text says, or null.
function readNumber(text) {
  const number = text.trim() === "" ? NaN : Number(text.trim());
  return Number.isFinite(number) ? number : null;
}

// Changes a number to what was typed. Returns whether it could be.
function take(input, place, text) {
  const number = readNumber(text);
  if (number === null) return say(`“${text}” is no number; write 0.5 or 1e-3.`), false;
  return put(input, place, number);
}

function put(input, place, number) {
  const watched = watchedNumber(), before = JSON.stringify(story.tables[watched]?.rows);
  try {
    change(input, place, number);
  } catch (error) {
    say(`${cellName(input, place)} stays as it is: ${error.message}.`);
    return false;
  }
  const same = JSON.stringify(story.tables[watched]?.rows) === before;
  const follows = `${watchedName()} ${same ? "shows the same" : "changed"}`;
  say(`${cellName(input, place)} is ${general(number, 4)}; ${follows}.`);
  return true;
}

// What a step is about: the value that it computes, or the gradient that it sends on, and before
// both, the result.
function watchedNumber() {
  const { gradient, sender } = live.terms[state.at];
  return gradient ?? live.values.get(state.at ? sender : story.nodes.at(-1).id);
}

function watchedName() {
  const step = story.steps[state.at], node = nodes.get(step.nodes[0]);
  if (step.phase === "given") return story.nodes.at(-1).name;
  return step.phase === "backward" ? node.gradientName : node.name;
}

function refusal(input, place) {
  return `${cellName(input, place)} stays as it is: ${input.refused}.`;
}

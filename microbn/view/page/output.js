// What a program prints, as in a terminal. A flood neither stops the page nor fills the memory: the
// last lines are kept, and the first line says how much was cut.

const MOST_SHOWN = { characters: 60000, lines: 1500 };

// Makes an output. `goTo` is called with the number of a line of the program's file, if the reader
// chooses it in an error's trace.
function makeOutput(label, file, goTo) {
  const cut = make("span", { class: "cut" });
  const printed = make("span");
  const element = make("pre", { class: "output", role: "log", "aria-label": label, tabindex: 0 }, cut, printed);
  let [waiting, lost, drawing] = [[], 0, false];

  // `gone` lines came before the text and are lost already. A flood is drawn twice a second.
  function write(text, stream, gone = 0) {
    waiting.push({ text, stream });
    lost += gone + keepLast(waiting);
    if (!drawing) setTimeout(draw, text.length > 2000 ? 500 : 10);
    drawing = true;
  }

  function draw() {
    drawing = false;
    const all = [...[...printed.children].map(pieceOf), ...waiting];
    const old = printed.children.length;
    const before = all.length;
    const low = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    lost += keepLast(all);
    for (let i = 0; i < Math.min(old, before - all.length); i++) printed.firstChild.remove();
    const first = printed.firstChild;
    if (first && first.textContent.length !== all[0].text.length) first.textContent = all[0].text;
    for (const { text, stream } of all.slice(printed.children.length)) append(text, stream);
    waiting = [];
    cut.textContent = lost ? `… ${lost.toLocaleString("en")} lines were cut here\n` : "";
    if (low) element.scrollTop = element.scrollHeight;
  }

  // Appends to the last piece of the same stream, so that an error stays in one piece.
  function append(text, stream) {
    const last = printed.lastChild;
    if (last?.className === stream && last.textContent.length < 10000) last.append(text);
    else printed.append(make("span", { class: stream }, text));
  }

  function clear() {
    [waiting, lost] = [[], 0];
    cut.textContent = "";
    printed.replaceChildren();
  }

  // Draws what still waits, and makes the lines that an error names into buttons. A report is read
  // from its top, what a program printed from its end.
  function finish(isReport) {
    if (waiting.length) draw();
    if (isReport) element.scrollTop = 0;
    for (const piece of printed.querySelectorAll(".err")) link(piece, file, goTo);
  }

  return { element, write, clear, finish };
}

function pieceOf({ textContent, className }) {
  return { text: textContent, stream: className };
}

// Drops the oldest pieces until few enough characters and lines are left. Returns how many lines it
// dropped. A piece that is too large by itself keeps its end.
function keepLast(pieces) {
  let [characters, lines, i] = [0, 0, pieces.length];
  while (i > 0 && characters <= MOST_SHOWN.characters && lines <= MOST_SHOWN.lines) {
    i -= 1;
    characters += pieces[i].text.length;
    lines += linesIn(pieces[i].text);
  }
  if (characters <= MOST_SHOWN.characters && lines <= MOST_SHOWN.lines) return 0;
  const dropped = pieces.splice(0, i).reduce((sum, { text }) => sum + linesIn(text), 0);
  const first = pieces[0];
  const surplus = Math.max(lines - MOST_SHOWN.lines, 0);
  const kept = afterLines(first.text, surplus).slice(-Math.max(1, MOST_SHOWN.characters - (characters - first.text.length)));
  const gone = linesIn(first.text) - linesIn(kept);
  pieces[0] = { ...first, text: kept };
  return dropped + gone;
}

function linesIn(text) {
  let many = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) many += 1;
  return many;
}

function afterLines(text, many) {
  let at = 0;
  for (let i = 0; i < many; i++) at = text.indexOf("\n", at) + 1;
  return text.slice(at);
}

// Makes `line 7` into a button where a trace names a line of the reader's file.
function link(piece, file, goTo) {
  const parts = piece.textContent.split(/(?<=File "([^"]*)", )(line \d+)/);
  const children = [];
  for (let i = 0; i < parts.length; i += 3) {
    children.push(parts[i]);
    const [path, words] = parts.slice(i + 1, i + 3);
    if (!words) continue;
    const press = () => goTo(Number(words.slice(5)));
    const mine = path.split("/").pop() === file;
    children.push(mine ? make("button", { type: "button", class: "line", onclick: press }, words) : words);
  }
  piece.replaceChildren(...children);
}

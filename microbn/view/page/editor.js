// An editor of Python code: CodeMirror where it is bundled, and a plain one where it is not. Both have
// value(), set(text), markLine(number), goTo(number) and focus(), and follow(text), which puts another text
// in place and leaves the cursor and the focus where they are.

// Makes an editor in an element. `about` has its text, its label for a screen reader, the id of the
// words that say how to leave it, and changed(), which is called when its text changes.
function makeEditor(place, about) {
  return globalThis.makeCodeMirror ? makeCodeMirror(place, about) : plainEditor(place, about);
}

function plainEditor(place, { text, label, help, changed }) {
  const area = make("textarea", {
    "aria-label": label, "aria-describedby": help, wrap: "off",
    spellcheck: "false", autocapitalize: "off", autocomplete: "off",
  });
  const gutter = make("div", { class: "gutter", "aria-hidden": "true" });
  const band = make("div", { class: "band", hidden: "" });
  place.append(gutter, make("div", { class: "sheet" }, band, area));
  let wrong = null; // the number of the line that is marked

  function number() {
    const many = area.value.split("\n").length;
    const lines = Array.from({ length: many }, (_, i) => (i + 1 === wrong ? `✕ ${i + 1}` : i + 1));
    gutter.textContent = `${lines.join("\n")}\n`;
    band.hidden = !wrong;
    band.style.setProperty("--line", (wrong ?? 1) - 1);
    scroll();
  }

  // Moves the numbers and the mark with the text.
  function scroll() {
    gutter.scrollTop = area.scrollTop;
    band.style.setProperty("--scrolled", `${-area.scrollTop}px`);
  }

  function markLine(line) {
    wrong = line >= 1 && line <= area.value.split("\n").length ? line : null;
    number();
  }

  // Replaces the whole text. A hidden area cannot have the focus, and the browser would type elsewhere.
  function set(words) {
    area.focus();
    area.select();
    if (document.activeElement === area) insert(area, words);
    else area.value = words;
    area.setSelectionRange(0, 0);
    markLine(null);
    changed();
  }

  function follow(words) {
    const { selectionStart, scrollTop } = area;
    area.value = words;
    area.setSelectionRange(selectionStart, selectionStart);
    area.scrollTop = scrollTop;
    markLine(null);
    changed();
  }

  area.addEventListener("input", () => {
    markLine(null);
    changed();
  });
  area.addEventListener("scroll", scroll);
  area.addEventListener("keydown", editingKeys(area));
  area.value = text;
  number();
  const goTo = (line) => select(area, line);
  return { value: () => area.value, set, follow, markLine, goTo, focus: () => area.focus() };
}

// Puts the cursor at a line, in the middle of what is seen.
function select(area, line) {
  const before = area.value.split("\n").slice(0, line - 1);
  const at = before.reduce((sum, one) => sum + one.length + 1, 0);
  area.focus();
  area.setSelectionRange(at, at);
  area.scrollTop = before.length * parseFloat(getComputedStyle(area).lineHeight) - area.clientHeight / 2;
}

const INDENT = "    ";

// Returns what keys do in a plain editor. Tab indents, unless Escape was the key before it: then it
// leaves the editor, as it leaves every other field.
function editingKeys(area) {
  let leaving = false;
  return (event) => {
    const { key, shiftKey, ctrlKey, altKey, metaKey } = event;
    if (ctrlKey || altKey || metaKey || event.isComposing) return;
    const leaves = leaving;
    leaving = key === "Escape" || (leaving && key === "Shift");
    if (key === "Tab" && leaves) return;
    const change = key === "Tab" ? (shiftKey ? outdent : indent) : key === "Enter" ? keepIndent : null;
    if (!change) return;
    event.preventDefault();
    change(area);
  };
}

function indent(area) {
  const { value, selectionStart, selectionEnd } = area;
  if (value.slice(selectionStart, selectionEnd).includes("\n")) shift(area, (line) => line && INDENT + line);
  else insert(area, INDENT);
}

function outdent(area) {
  shift(area, (line) => line.replace(/^ {1,4}|^\t/, ""));
}

// Changes each line that the selection touches.
function shift(area, change) {
  const { value, selectionStart, selectionEnd } = area;
  const begin = value.lastIndexOf("\n", selectionStart - 1) + 1;
  const end = value.indexOf("\n", selectionEnd);
  const stop = end < 0 ? value.length : end;
  const [old, lines] = [value.slice(begin, stop), value.slice(begin, stop).split("\n").map(change)];
  if (lines.join("\n") === old) return;
  area.setSelectionRange(begin, stop);
  insert(area, lines.join("\n"));
  const moved = begin + lines.join("\n").length;
  if (lines.length > 1) area.setSelectionRange(begin, moved);
  else {
    const at = Math.max(begin, selectionStart + lines[0].length - old.length);
    area.setSelectionRange(at, at);
  }
}

// Begins a line that is indented as the one before, and one level more after a colon.
function keepIndent(area) {
  const { value, selectionStart } = area;
  const line = value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
  insert(area, `\n${/^[ \t]*/.exec(line)[0]}${/:\s*$/.test(line) ? INDENT : ""}`);
}

// Types text in place of the selection. The browser's own command keeps what can be undone.
function insert(area, text) {
  const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (done) return;
  area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input"));
}

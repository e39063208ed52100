// One exercise of the workshop: its text, its editor, its output and its story.

const NO_STORY = "No story yet. What a program leaves as story is shown here:";

// Makes an exercise and puts its parts into the page, where they are hidden at first. `start` is the
// code that stands in its editor, and changed(code) is told what the reader writes.
function makeExercise({ title, name: file, text, code, ...asked }, start, changed) {
  const edited = make("div", { class: "editor" });
  const editor = makeEditor(edited, {
    text: start, label: `Code: ${title}`, help: "leaving", changed: () => changed(editor.value()),
  });
  const output = makeOutput(`Output: ${title}`, file, editor.goTo);
  const words = make("div", { class: "text" }, ...paragraphs(text));
  const told = make("div", { class: "told" });
  const parts = [[$("texts"), words], [$("editors"), edited], [$("outputs"), output.element], [$("told"), told]];
  for (const [place, part] of parts) place.append(part);
  const exercise = { ...asked, title, file, code, editor, output, verdict: [], kind: "" };

  exercise.show = (shown) => {
    for (const [, part] of parts) part.toggleAttribute("hidden", !shown);
  };
  exercise.tell = (page, why) => {
    told.replaceChildren(page ? storyFrame(page, title) : make("div", { class: "untold" }, ...without(why)));
  };
  exercise.press = (key) => told.querySelector("iframe")?.contentWindow.postMessage({ key }, "*"); // to the story
  exercise.show(false);
  exercise.tell(null, NO_STORY);
  return exercise;
}

// A text as slides have it: paragraphs, lists of lines that begin with "- ", `code` and **bold**.
function paragraphs(text = "") {
  return text.trim().split(/\n\s*\n/).map((part) => {
    if (!part.startsWith("- ")) return make("p", {}, ...marked(part));
    const items = part.split(/^- /m).slice(1);
    return make("ul", {}, ...items.map((item) => make("li", {}, ...marked(item))));
  });
}

function marked(text) {
  return text.split(/(\x60[^\x60]+\x60|\*\*[^*]+\*\*)/).map((piece) => {
    if (piece.startsWith("\x60")) return make("code", {}, piece.slice(1, -1));
    return piece.startsWith("**") ? make("strong", {}, piece.slice(2, -2)) : piece;
  });
}

function without(why) {
  return [make("p", {}, why), make("pre", {}, "import microbn as mb\n\n# dy has the shape of y\nstory = mb.story(y, dy)")];
}

// Shows a page in a frame that can reach neither this page nor what it keeps.
function storyFrame(page, title) {
  const frame = make("iframe", { sandbox: "allow-scripts allow-downloads", title: `The story: ${title}` });
  frame.srcdoc = page.replaceAll("<script>", `<script nonce="${setup.nonce}">`);
  return frame;
}

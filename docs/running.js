// "Run" under each block of a chapter. The blocks build on each other, so those above a block that have
// not run yet run first. The build has marked the blocks (running.py), and puts elements.js, failures.js and
// output.js before this.

const { src, dataset } = document.currentScript;
let python = null;
let asked = null; // the block whose button was pressed: it tells how far all is
let printing = null; // the block that runs now
const blocks = [...document.querySelectorAll("div.run")].map(offered).filter(Boolean);

function offered(place, number) {
  if (place.dataset.lacks) {
    place.append(`This block does not run in the page, which lacks ${place.dataset.lacks}.`);
    return null;
  }
  const pre = place.previousElementSibling.querySelector("pre");
  const shown = place.nextElementSibling?.matches(".highlight-text") ? place.nextElementSibling : null;
  const block = {
    name: `${number}/example.py`, // a file of its own, so that no other block's lines are quoted
    code: pre.textContent,
    shown: shown?.querySelector("pre").textContent,
    button: make("button", { type: "button", onclick: () => (asked ? stop() : press(block)) }, "Run"),
    state: make("span", { role: "status" }),
    share: make("progress", { max: 1, value: 0, "aria-label": "How far Python is", hidden: "" }),
    printed: make("div", { class: "ran" }),
    output: makeOutput("What the block printed"),
    done: false,
  };
  place.append(block.button, block.state, block.share);
  (shown ?? place).after(block.printed);
  return block;
}

async function press(block) {
  asked = block;
  for (const { button } of blocks) button.disabled = true;
  try {
    await start().catch((error) => Promise.reject(new Error(whyNot(error))));
    Object.assign(block.button, { disabled: false, textContent: "Stop" });
    block.button.focus();
    for (const one of blocks.slice(0, blocks.indexOf(block) + 1)) if (!one.done || one === block) await run(one);
  } catch (error) {
    block.state.textContent = error.message;
  }
  asked = null;
  block.share.hidden = true;
  for (const { button } of blocks) Object.assign(button, { disabled: false, textContent: "Run" });
}

// Starts Python, unless it has started. After a failure the next press tries again.
async function start() {
  if (!python) {
    asked.state.textContent = "Fetching Python …";
    const { makePython, setup } = globalThis.microbnPython ?? (await scriptOfPython());
    python = makePython(setup, { progress, text, ready: forget });
  }
  await python.start();
}

// A Python that has just started knows none of the blocks, also if it ended by itself before.
function forget() {
  for (const block of blocks) block.done = false;
}

function scriptOfPython() {
  const address = new URL(dataset.python, src);
  return new Promise((resolve, reject) => {
    const onload = () => resolve(globalThis.microbnPython);
    const onerror = () => reject(new Error(`${address.href} cannot be loaded. Is there a network?`));
    document.head.append(make("script", { src: address.href, onload, onerror }));
  });
}

function progress(words, share) {
  if (!asked) return;
  asked.state.textContent = `${words} …`;
  Object.assign(asked.share, { hidden: false, value: share });
}

function text(...printed) {
  printing?.output.write(...printed);
}

async function run(block) {
  asked.share.hidden = true;
  asked.state.textContent = block === asked ? "Running …" : "Running the blocks above …";
  const [caption, pre] = [make("p"), block.output.element];
  block.printed.replaceChildren(caption, pre);
  block.output.clear();
  pre.hidden = false;
  printing = block;
  const result = await python.call("run_block", [block.name, block.code]).finally(block.output.finish);
  const { story, line, milliseconds } = result;
  block.done = !line;
  block.state.textContent = line ? `Line ${line} of this block raised an error.` : `It took ${seconds(milliseconds)}.`;
  caption.textContent = captionOf(pre.textContent, block.shown);
  pre.hidden = !pre.textContent;
  if (story) block.printed.append(frame(story));
  if (line && block !== asked) throw new Error("A block above has an error, so this one did not run.");
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(milliseconds < 100 ? 2 : 1)} s`;
}

function captionOf(printed, shown) {
  if (!printed) return "It printed nothing.";
  return printed.trim() === shown?.trim() ? "It printed the same as above:" : "It printed:";
}

function frame(story) {
  const sandbox = "allow-scripts allow-downloads";
  return make("iframe", { class: "stepper", sandbox, title: "Step through the block's story", srcdoc: story });
}

// Ends what runs. Python starts again; if it cannot, the next press says why.
function stop() {
  python.stop().catch(() => {});
}

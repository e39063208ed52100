// What the reader wrote is kept: in the browser from visit to visit, and in files.

// Makes a store in the browser whose entries belong to a page. `lose` is called once if it keeps
// nothing. What is kept belongs to all windows with the page: follow(name, changed) calls changed()
// when another one has kept something else under the name.
function makeStore(page, lose) {
  let told = false;

  function tryTo(act) {
    try {
      return act();
    } catch {
      if (!told) lose();
      told = true;
      return null;
    }
  }

  const key = (name) => `microbn workshop: ${page}: ${name}`;
  return {
    get: (name) => tryTo(() => localStorage.getItem(key(name))),
    set: (name, text) => tryTo(() => localStorage.setItem(key(name), text)),
    remove: (name) => tryTo(() => localStorage.removeItem(key(name))),
    follow: (name, changed) => addEventListener("storage", (event) => event.key === key(name) && changed()),
  };
}

// Lets the browser save a text as a file.
function saveFile(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/x-python" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

const MOST_LOADED = 500000; // bytes: what is larger is no program that a reader wrote

// Returns the text of a file of Python code. Throws an error for what is none.
async function codeOf(file) {
  if (!/\.py$/i.test(file.name)) throw new Error(`${file.name} is no .py file`);
  if (file.size > MOST_LOADED) throw new Error(`${file.name} is too large for a program`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    return text.replace(/\r\n?/g, "\n");
  } catch {
    throw new Error(`${file.name} is not saved as UTF-8`);
  }
}

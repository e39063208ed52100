// What a workshop's page is given, and what it is made of.

const setup = JSON.parse($("data").textContent);
// The page marks the script of the editor with its nonce, as it does those of stories.
if (setup.codemirror) document.body.append(make("script", { nonce: setup.nonce }, setup.codemirror));

function aboutThePage({ version, versions, licences }) {
  const parts = Object.entries(licences).map(([name, licence]) => `${name} (${licence})`);
  return make(
    "details",
    { id: "about" },
    make("summary", {}, "About this page"),
    make("p", {}, `microbn ${version} (MIT), with ${versions}.`),
    make("p", {}, `It runs ${parts.join(", ")}. Each belongs to its authors, under the licence that is named.`),
    make("p", {}, "Your code stays in this browser. The page sends it nowhere."),
  );
}

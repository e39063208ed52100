// The front end of a story's widget: the page in a frame that can reach neither the notebook nor the
// network. What the page says goes to the traits, and what the traits say goes to the page.

const TRAITS = { at: "step", selected: "selected", inputs: "inputs" }; // by the words of notebook.js

function render({ model, el }) {
  const frame = frameOf(model.get("_page"));
  let known = {}; // what the page knows, as text
  const follow = () => {
    const news = {};
    for (const [word, trait] of Object.entries(TRAITS)) {
      const text = JSON.stringify(model.get(trait));
      if (text !== known[word]) news[word] = JSON.parse(text);
      known[word] = text;
    }
    if (Object.keys(news).length) frame.contentWindow?.postMessage(news, "*");
  };
  const hear = ({ source, data }) => {
    if (source !== frame.contentWindow) return;
    if (data.ready) known = {}; // also when the notebook has moved the frame, which loads it again
    if (data.ready) return follow();
    for (const [word, value] of Object.entries(data)) known[word] = JSON.stringify(value);
    for (const [word, value] of Object.entries(data)) model.set(TRAITS[word], value);
    model.save_changes();
  };
  const changes = Object.values(TRAITS).map((trait) => `change:${trait}`);
  for (const change of changes) model.on(change, follow);
  addEventListener("message", hear);
  el.append(frame);
  return () => {
    removeEventListener("message", hear);
    for (const change of changes) model.off(change, follow);
  };
}

function frameOf(page) {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts allow-downloads");
  frame.title = "Step through the graph";
  frame.style.cssText = "width: 100%; height: 640px; border: 0";
  frame.srcdoc = page;
  return frame;
}

export default { render };

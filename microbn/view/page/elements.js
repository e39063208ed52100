// Finding the elements of a page, and making new ones.

const $ = (id) => document.getElementById(id);

// Makes an element from text and attributes alone, so that a name can never be more than text.
function make(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "path", "text", "title", "defs", "marker"].includes(name);
  const space = svg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const element = document.createElementNS(space, name);
  for (const [attribute, value] of Object.entries(attributes))
    if (attribute.startsWith("on")) element.addEventListener(attribute.slice(2), value);
    else if (value !== null) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

// Makes words in a picture.
function label(x, y, text, kind = "") {
  return make("text", { x, y, class: kind }, text);
}

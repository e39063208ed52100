// Mathematics, typeset by the browser as MathML. A line is a tree, [tag, attributes, ...children],
// in which a child is a tree or text. Other tags and attributes than these are left out.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const TAGS = new Set(
  "math mrow mi mn mo mtext msup msub msubsup mfrac msqrt mover munder mtable mtr mtd".split(" "),
);
const ATTRIBUTES = ["class", "accent", "stretchy", "mathvariant"];

function maths(lines) {
  return lines.map((line) => {
    const element = typeset(line);
    element.setAttribute("display", "block");
    return element;
  });
}

function typeset([tag, attributes, ...children]) {
  const element = document.createElementNS(MATHML, TAGS.has(tag) ? tag : "mtext");
  for (const name of ATTRIBUTES)
    if (attributes[name] !== undefined) element.setAttribute(name, attributes[name]);
  element.append(...children.map((child) => (typeof child === "string" ? child : typeset(child))));
  return element;
}

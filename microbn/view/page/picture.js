// Saves the graph as an SVG file, with the page's colours written into it.
function picture() {
  paintAll();
  const svg = $("graph").querySelector("svg");
  const copy = svg.cloneNode(true);
  const written = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font", "text-anchor"];
  const [from, to] = [svg, copy].map((root) => [...root.querySelectorAll("*")]);
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of written) to[i].style.setProperty(name, style.getPropertyValue(name));
  });
  for (const line of copy.querySelectorAll(".hit")) line.remove();
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.style.background = getComputedStyle(document.body).backgroundColor;
  // a name may have control characters, which XML does not allow
  return new XMLSerializer()
    .serializeToString(copy)
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "�");
}

function save() {
  const address = URL.createObjectURL(new Blob([picture()], { type: "image/svg+xml" }));
  make("a", { href: address, download: `step${state.at}.svg` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

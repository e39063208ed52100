// Framed stories: a story's own page stands in a frame, and the deck leads it from step to step.

const pages = JSON.parse($("pages").textContent);
const MINE = ["PageDown", "PageUp", "Escape", "."]; // keys that a framed story hands to the deck

const phone = matchMedia("(max-width: 800px) and (orientation: portrait)");

// A framed story is as wide as a projector's window, and then made as small or large as its slide.
const sizes = new ResizeObserver((seen) => {
  for (const { target, contentRect } of seen) {
    const scale = phone.matches ? "none" : `scale(${contentRect.width / 1280})`;
    target.querySelector("iframe").style.setProperty("transform", scale);
  }
});
for (const frame of document.querySelectorAll("iframe.framed")) sizes.observe(frame.parentElement);

function frameOf(slide) {
  return slide?.querySelector("iframe.framed");
}

// Fills the frames of this slide and of the next, and leads this one to its step.
function showFrames() {
  for (const slide of slides.slice(state.at, state.at + 2)) {
    const frame = frameOf(slide);
    if (!frame || frame.srcdoc) continue;
    frame.addEventListener("load", () => {
      frame.dataset.ready = "yes";
      lead(frame, JSON.parse(frame.dataset.opens));
      if (slide === slides[state.at]) showFrames();
    });
    frame.srcdoc = pages[Number(frame.dataset.page)];
  }
  const frame = frameOf(slides[state.at]);
  if (frame) lead(frame, JSON.parse(frame.dataset.leads)[state.presses]);
}

function lead(frame, message) {
  if (frame.dataset.ready) frame.contentWindow.postMessage(message, "*");
}

// Hands a key that the deck does not know to the story of this slide. Returns whether there is one.
function handOn(key) {
  const frame = frameOf(slides[state.at]);
  if (frame) lead(frame, { key });
  return Boolean(frame);
}

addEventListener("message", ({ source, data }) => {
  const frame = frameOf(slides[state.at]);
  if (source !== frame?.contentWindow) return;
  if (data?.ready) showFrames(); // a film is unpacked
  if (!MINE.includes(data?.key)) return;
  takeKeys();
  if (data.key !== "Escape") KEYS[data.key]();
});

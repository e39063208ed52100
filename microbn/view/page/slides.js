// Going through the slides. A slide may stay for some presses, each of which shows one thing more.

const slides = [...document.querySelectorAll(".slide")];
const state = { at: 0, presses: 0, noted: false, speaking: false, bare: false };
const VIEWS = { noted: "notes", speaking: "speaker", bare: "hide" }; // with their buttons

function most(at = state.at) {
  return Number(slides[at].dataset.presses);
}

function show() {
  slides.forEach((slide, at) => {
    slide.classList.toggle("now", at === state.at);
    slide.classList.toggle("soon", at === state.at + 1);
    slide.classList.toggle("shown", at === state.at && state.presses > 0);
    slide.inert = at !== state.at; // the next one is there to be seen
  });
  for (const [view, button] of Object.entries(VIEWS)) {
    document.body.classList.toggle(view, state[view]);
    $(button).setAttribute("aria-pressed", state[view]);
  }
  const name = slides[state.at].getAttribute("aria-label");
  $("place").textContent = `${state.at + 1} of ${slides.length}: ${name}`;
  $("back").disabled = state.at === 0 && state.presses === 0;
  $("next").disabled = state.at === slides.length - 1 && state.presses === most();
  showFrames();
  showClock();
}

// Goes to a slide, and tells the other window unless it was that window which said so.
function go(at, presses = 0, isFromOther = false) {
  state.at = Math.max(0, Math.min(slides.length - 1, at));
  state.presses = Math.max(0, Math.min(most(), presses));
  if (state.at > 0 && !isFromOther) startClock();
  keep();
  show();
  if (!isFromOther) tell();
}

function forth() {
  if (state.presses < most()) go(state.at, state.presses + 1);
  else if (state.at < slides.length - 1) go(state.at + 1);
}

function back() {
  if (state.presses > 0) go(state.at, state.presses - 1);
  else if (state.at > 0) go(state.at - 1, most(state.at - 1));
}

// Writes the place and the time into the address, so that they outlive a reload.
function keep() {
  if (location.hash === "#speaker") return;
  history.replaceState({ ...clock }, "", `#slide=${state.at + 1}.${state.presses}`);
}

function fromAddress() {
  const asked = /^#slide=(\d{1,6})(?:\.(\d{1,6}))?$/.exec(location.hash);
  return asked ? [Number(asked[1]) - 1, Number(asked[2] ?? 0)] : [0, 0];
}

function turn(view) {
  state[view] = !state[view];
  show();
}

// Going through the slides. A slide may stay for some presses, each of which shows one thing more.

const slides = [...document.querySelectorAll(".slide")];
const state = { at: 0, presses: 0, noted: false, speaking: false, bare: false, blank: false };
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
  document.body.classList.toggle("blank", state.blank);
  const name = slides[state.at].getAttribute("aria-label");
  const seen = state.blank ? ", while the room sees a blank screen" : "";
  $("place").textContent = `${state.at + 1} of ${slides.length}${seen}: ${name}`;
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
  leaveBox();
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

// Keeps the place in the address, and with it the time, the views and the counted hands, so that they
// outlive a reload.
function keep() {
  const address = isSpeaker() ? location.hash : `#slide=${state.at + 1}.${state.presses}`;
  history.replaceState({ clock, kept: state, hands: hands() }, "", address);
}

// Shows again what was kept. An address that names a slide is stronger.
function restore({ clock: time = {}, kept = {}, hands: counts = [] }) {
  setClock(time);
  fill(counts);
  Object.assign(state, kept);
  if (!isSpeaker()) [state.at, state.presses] = fromAddress();
  state.at = Math.max(0, Math.min(slides.length - 1, state.at));
  state.presses = Math.max(0, Math.min(most(), state.presses));
}

function fromAddress() {
  const asked = /^#slide=(\d{1,6})(?:\.(\d{1,6}))?$/.exec(location.hash);
  return asked ? [Number(asked[1]) - 1, Number(asked[2] ?? 0)] : [0, 0];
}

function turn(view) {
  state[view] = !state[view];
  keep();
  show();
}

// Makes the screen of the room blank, so that all look at the lecturer, or shows the slide again. The
// presenter's own window stays as it is.
function turnBlank() {
  state.blank = !state.blank;
  takeKeys();
  keep();
  show();
  tell();
}

// Takes the keys back from a framed story, or from a box of a vote.
function takeKeys() {
  document.activeElement?.blur();
  focus();
}

// The clock: the time that has passed, beside the minutes that are planned for the slides. While it
// is paused, no time passes.

const clock = { began: null, paused: null }; // in milliseconds; it runs if it began and is not paused
const plan = slides.map((slide) => Number(slide.dataset.minutes ?? 0));
const planned = sum(plan);

function sum(minutes) {
  return minutes.reduce((all, one) => all + one, 0);
}

function startClock() {
  clock.began ??= Date.now();
}

// Starts the clock, pauses it, or lets it go on where it was paused.
function turnClock() {
  const now = Date.now();
  if (clock.began === null) clock.began = now;
  else if (clock.paused === null) clock.paused = now;
  else setClock({ began: clock.began + now - clock.paused });
  clockChanged();
}

// Sets the clock to 0. There it waits for its key, or for the next slide.
function clearClock() {
  setClock({});
  clockChanged();
}

function setClock({ began = null, paused = null }) {
  Object.assign(clock, { began, paused });
}

function clockChanged() {
  keep();
  show();
  tell();
}

function timePassed() {
  return clock.began === null ? 0 : Math.max(0, (clock.paused ?? Date.now()) - clock.began);
}

function showClock() {
  const [begun, paused, passed] = [clock.began !== null, clock.paused !== null, timePassed()];
  $("time").textContent = !begun ? "Start the clock" : paused ? "Go on" : "Pause the clock";
  const late = begun ? behind(passed / 60000) : 0;
  const seconds = Math.floor(passed / 1000);
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const said = [begun || planned ? time : "", planned ? `of ${minutes(planned)}` : ""];
  if (paused) said.push("· paused");
  else if (planned && begun) said.push(`· ${verdict(late)}`);
  const text = said.filter(Boolean).join(" ");
  if ($("clock").textContent !== text) $("clock").textContent = text;
  $("clock").classList.toggle("late", late >= 1);
}

// Returns how many minutes the lecture is behind its plan; below 0 it is ahead.
function behind(passed) {
  const from = sum(plan.slice(0, state.at));
  if (passed < from) return passed - from;
  return Math.max(0, passed - from - plan[state.at]);
}

function verdict(late) {
  const whole = Math.floor(Math.abs(late));
  if (!whole) return "on time";
  return late > 0 ? `${minutes(whole)} behind` : `${minutes(whole)} ahead`;
}

function minutes(count) {
  return `${count} min`;
}

setInterval(showClock, 500);

// The clock: the time that has passed, beside the minutes that are planned for the slides.

const clock = { began: null };
const plan = slides.map((slide) => Number(slide.dataset.minutes ?? 0));
const planned = sum(plan);

function sum(minutes) {
  return minutes.reduce((all, one) => all + one, 0);
}

function startClock() {
  clock.began ??= Date.now();
}

function turnClock() {
  clock.began = clock.began === null ? Date.now() : null;
  keep();
  show();
  tell();
}

function showClock() {
  const running = clock.began !== null;
  $("time").textContent = running ? "Stop the clock" : "Start the clock";
  const passed = running ? Math.max(0, Date.now() - clock.began) : 0;
  const late = running ? behind(passed / 60000) : 0;
  const seconds = Math.floor(passed / 1000);
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const said = [running || planned ? time : "", planned ? `of ${minutes(planned)}` : ""];
  if (planned && running) said.push(`· ${verdict(late)}`);
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

// A second window, for the presenter's own screen: the two windows tell each other where they are
// and which hands were counted.

let other = null;

function isSpeaker() {
  return location.hash === "#speaker";
}

function openWindow() {
  other = open(`${location.href.split("#")[0]}#speaker`, "", "width=1200,height=800");
}

function tell() {
  const { at, presses, blank } = state;
  other?.postMessage({ deck: { at, presses, blank, clock, hands: hands() } }, "*");
}

// Returns whether this window opened another one. After a reload it no longer knows which.
function isOurs(source) {
  return source && source !== window && source.opener === window && source.top === source;
}

addEventListener("message", ({ source, data }) => {
  if (!data || (source !== other && !(data.hello && isOurs(source)))) return;
  const isNews = data.hello === "first" || source !== other;
  other = source;
  if (data.hello && isNews) tell();
  if (!data.deck) return;
  setClock(data.deck.clock);
  state.blank = data.deck.blank;
  fill(data.deck.hands);
  go(data.deck.at, data.deck.presses, true);
});

// Greets the window of the slides, and again each second: it may have been loaded anew.
function greet() {
  if (!isSpeaker()) return;
  state.speaking = true;
  if (!opener) return;
  other = opener;
  other.postMessage({ hello: "first" }, "*");
  setInterval(() => other.postMessage({ hello: "again" }, "*"), 1000);
}

// A second window, for the presenter's own screen: the two windows tell each other where they are.

let other = null;

function openWindow() {
  other = open(`${location.href.split("#")[0]}#speaker`, "", "width=1200,height=800");
}

function tell() {
  const { at, presses } = state;
  other?.postMessage({ deck: { at, presses, clock } }, "*");
}

addEventListener("message", ({ source, data }) => {
  if (!other || source !== other || !data) return;
  if (data.hello) tell();
  if (!data.deck) return;
  setClock(data.deck.clock);
  go(data.deck.at, data.deck.presses, true);
});

function greet() {
  if (location.hash !== "#speaker" || !opener) return;
  other = opener;
  state.speaking = true;
  other.postMessage({ hello: true }, "*");
}

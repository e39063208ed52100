// A list of tabs: one of them is chosen by a click or by the arrow keys.

// Makes the tabs in an element; `panel` is the id of what they control. Calls choose(i) whenever
// another tab is chosen, and returns a function that chooses one.
function makeTabs(place, titles, panel, choose) {
  let chosen = -1;
  const tabs = titles.map((title, i) =>
    make("button", { type: "button", role: "tab", id: `tab-${i}`, "aria-controls": panel, onclick: () => turn(i) }, title),
  );

  function turn(i) {
    if (i === chosen) return;
    chosen = i;
    tabs.forEach((tab, k) => {
      tab.setAttribute("aria-selected", k === i);
      tab.tabIndex = k === i ? 0 : -1;
    });
    tabs[i].scrollIntoView({ block: "nearest", inline: "nearest" });
    $(panel).setAttribute("aria-labelledby", tabs[i].id);
    choose(i);
  }

  const many = tabs.length;
  const to = { ArrowRight: (i) => i + 1, ArrowLeft: (i) => i - 1 + many, Home: () => 0, End: () => many - 1 };
  place.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(to, event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    turn(to[event.key](chosen) % many);
    tabs[chosen].focus();
  });
  place.append(...tabs);
  return turn;
}

// Groups that close and open, by a click or in their menu, and values that are gone to by a click.

function toggle(path) {
  state.follow = false;
  if (closed.has(path)) closed.delete(path);
  else closed.add(path);
  show();
}

// Where a value that was clicked is computed, or in the second half, where its gradient is whole.
function visit(id) {
  const { phase } = story.steps[state.at];
  const at = story.steps.findIndex(
    (step) => step.nodes.includes(id) && (phase !== "backward" || step.phase === phase),
  );
  if (at >= 0) go(at);
}

// Closes these groups and opens all others; with `follow`, those of the step open by themselves.
function closeGroups(these, follow) {
  state.follow = follow;
  closed.clear();
  for (const path of these) closed.add(path);
  show();
}

const menu = $("groups").querySelector("div");
$("groups").hidden = !paths.size;
menu.append(make("button", { onclick: () => closeGroups([], false) }, "Open all"));
menu.append(make("button", { onclick: () => closeGroups(paths.keys(), false) }, "Close all"));
const follow = () => closeGroups(paths.keys(), !state.follow);
menu.append(make("button", { onclick: follow, "data-follow": "" }, "Open those of the step"));
for (const [id, path] of paths)
  menu.append(make("button", { onclick: () => toggle(id), "data-path": id }, path.join(" › ")));

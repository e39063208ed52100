// Clicks on the graph: a group closes or opens, here or in its menu; a value leads to its step.

function toggle(path) {
  state.follow = false;
  if (closed.has(path)) closed.delete(path);
  else closed.add(path);
  show();
}

// Goes to the step that computes a value, or during the backward, that completes its gradient.
function visit(id) {
  const { phase } = story.steps[state.at];
  const at = story.steps.findIndex(
    (step) => step.nodes.includes(id) && (phase !== "backward" || step.phase === phase),
  );
  if (at >= 0) go(at);
}

// Closes these groups and opens all others. With `follow`, the groups of each step open by
// themselves.
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
menu.append(make("button", { onclick: follow, "data-follow": "" }, "Open the groups of the step"));
for (const [id, path] of paths)
  menu.append(make("button", { onclick: () => toggle(id), "data-path": id }, path.join(" › ")));

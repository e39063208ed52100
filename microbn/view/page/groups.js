// Clicks on the graph: a group closes or opens, here or in its menu; a value leads to its step.

function toggle(path) {
  state.follow = false;
  if (closed.has(path)) closed.delete(path);
  else closed.add(path);
  show();
}

// Goes to the step that computes a value, or during the backward, that sends its gradient on. A leaf
// sends nothing, so its step is the one that completes its gradient; a constant has the step of its
// first user.
function visit(id) {
  const { steps, edges } = story;
  const find = (holds) => steps.findIndex(holds);
  const user = edges.find((edge) => edge.source === id)?.target;
  const back = [
    ({ phase, nodes }) => phase === "backward" && nodes.includes(id),
    ({ parts }) => parts.some((p) => p.receiver === id && p.received === p.expected),
  ];
  const forth = [({ nodes }) => nodes.includes(id), ({ nodes }) => nodes.includes(user)];
  const ways = steps[state.at].phase === "backward" ? [...back, ...forth] : forth;
  const at = ways.map(find).find((found) => found >= 0);
  if (at !== undefined) go(at);
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

// Votes: the lecturer counts the hands, and the bars show their shares.

const lists = [...document.querySelectorAll(".options")];
const boxes = lists.flatMap((list) => [...list.querySelectorAll("input")]);

// A box takes digits, and the keys that edit them; all other keys are the deck's. So is an arrow that
// has nothing to move over.
function isForBox({ key, target: box }) {
  const { selectionStart: from, selectionEnd: to, value } = box;
  if (key === "ArrowRight") return from !== to || to < value.length;
  if (key === "ArrowLeft") return from !== to || from > 0;
  return /^(\d|Home|End|Tab|Backspace|Delete|ArrowUp|ArrowDown)$/.test(key);
}

// Leaves a box, so that the keys lead through the slides again.
function leaveBox() {
  document.activeElement?.closest("input")?.blur();
}

// What stands in the boxes of all votes.
function hands() {
  return boxes.map((box) => box.value);
}

function fill(values) {
  boxes.forEach((box, i) => (box.value = values[i] ?? ""));
  lists.forEach(counted);
}

// Counts the hands of one vote. What was pasted into a box loses all but its digits.
function counted(list) {
  const inputs = [...list.querySelectorAll("input")];
  for (const input of inputs) input.value = input.value.replace(/\D/g, "");
  const counts = inputs.map((input) => Number(input.value));
  const all = sum(counts);
  inputs.forEach((input, i) => {
    const option = input.closest("li");
    const share = all ? Math.round((100 * counts[i]) / all) : 0;
    option.querySelector(".bar").style.setProperty("width", `${share}%`);
    option.querySelector("output").textContent = all ? `${share} %` : "";
  });
}

for (const list of lists)
  list.addEventListener("input", () => {
    counted(list);
    keep();
    tell();
  });

// Votes: the lecturer counts the hands, and the bars show their shares.

function counted(list) {
  const inputs = [...list.querySelectorAll("input")];
  const hands = inputs.map((input) => Math.max(0, Math.round(Number(input.value)) || 0));
  const all = hands.reduce((sum, count) => sum + count, 0);
  inputs.forEach((input, i) => {
    const option = input.closest("li");
    const share = all ? Math.round((100 * hands[i]) / all) : 0;
    option.querySelector(".bar").style.setProperty("width", `${share}%`);
    option.querySelector("output").textContent = all ? `${share} %` : "";
  });
}

for (const list of document.querySelectorAll(".options"))
  list.addEventListener("input", () => counted(list));

// Shows the frames of the chosen verdict whose captions hold every word that was typed.
const box = document.getElementById("search"), found = document.getElementById("found");
const frames = [...document.querySelectorAll(".frame")];

function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const verdict = document.querySelector("input[name=verdict]:checked")?.value || "";
  let count = 0;
  for (const frame of frames) {
    const fits = !verdict || frame.dataset.verdict === verdict;
    frame.hidden = !(fits && words.every((word) => frame.dataset.text.includes(word)));
    count += !frame.hidden;
  }
  found.textContent = `${count} of ${frames.length} differences`;
}

box.addEventListener("input", search);
document.querySelectorAll("input[name=verdict]").forEach((choice) => choice.addEventListener("change", search));
search();

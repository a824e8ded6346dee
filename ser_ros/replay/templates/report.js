// Search: shows the frames whose captions hold every word that was typed.
const box = document.getElementById("search");
const found = document.getElementById("found");
const frames = [...document.querySelectorAll(".frame")];

function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const frame of frames) {
    const hit = words.every((word) => frame.dataset.text.includes(word));
    frame.hidden = !hit;
    document.getElementById("t" + frame.id.slice(1)).hidden = !hit;
    count += hit;
  }
  found.textContent = words.length ? `${count} of ${frames.length} frames` : `${frames.length} frames`;
}

box.addEventListener("input", search);
// A link to a frame that the search hides shows it again.
window.addEventListener("hashchange", () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.hidden) { box.value = ""; search(); target.scrollIntoView(); }
});
search();

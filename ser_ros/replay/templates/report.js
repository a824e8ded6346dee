// One frame at a time on the stage, chosen on the timeline, by the slider or by playing; search narrows all three.
const byId = (id) => document.getElementById(id);
const box = byId("search"), found = byId("found"), stage = byId("stage"), slider = byId("slider"), play = byId("play");
const here = document.querySelector(".here");
const all = [...document.querySelectorAll(".frame")];
let shown = all, chosen = null, timer = null;

const tile = (frame) => byId("t" + frame.id.slice(1));

// A picture stands in the page once, at its frame.
for (const frame of all) {
  const picture = frame.querySelector("img");
  if (!picture) continue;
  const small = new Image();
  small.alt = "";
  small.loading = "lazy";
  small.src = picture.src;
  tile(frame).firstElementChild.prepend(small);
}

function choose(frame) {
  if (chosen) tile(chosen).removeAttribute("aria-current");
  chosen = frame;
  const copy = frame.cloneNode(true);
  for (const part of [copy, ...copy.querySelectorAll("[id]")]) part.removeAttribute("id");
  copy.removeAttribute("aria-labelledby");
  copy.querySelectorAll("details").forEach((details) => { details.open = true; });
  copy.querySelectorAll("img").forEach((image) => { image.loading = "eager"; });
  stage.replaceChildren(...copy.children);
  const item = tile(frame), strip = item.parentElement;
  item.setAttribute("aria-current", "true");
  strip.scrollLeft = item.offsetLeft - strip.offsetLeft - (strip.clientWidth - item.clientWidth) / 2;
  slider.value = shown.indexOf(frame);
  slider.setAttribute("aria-valuetext", frame.querySelector("h3").textContent);
  if (here) {
    const [x, y] = frame.dataset.at.split(" ");
    here.toggleAttribute("hidden", y === undefined);
    if (y !== undefined) { here.setAttribute("cx", x); here.setAttribute("cy", y); }
  }
}

function step(by) {
  const next = shown[shown.indexOf(chosen) + by];
  if (next) choose(next); else stop();
}

function stop() {
  clearInterval(timer);
  timer = null;
  play.textContent = "Play";
  stage.setAttribute("aria-live", "polite");
}

function toggle() {
  if (timer) return stop();
  if (chosen === shown.at(-1)) choose(shown[0]);
  stage.setAttribute("aria-live", "off"); // a screen reader cannot keep up
  play.textContent = "Pause";
  timer = setInterval(step, 500, 1);
}

function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  shown = all.filter((frame) => words.every((word) => frame.dataset.text.includes(word)));
  for (const frame of all) frame.hidden = tile(frame).hidden = !shown.includes(frame);
  found.textContent = words.length ? `${shown.length} of ${all.length} frames` : `${all.length} frames`;
  slider.max = Math.max(0, shown.length - 1);
  byId("player").hidden = shown.length === 0;
  if (shown.length && !shown.includes(chosen)) choose(shown[0]);
  else if (chosen) slider.value = shown.indexOf(chosen);
}

box.addEventListener("input", search);
slider.addEventListener("input", () => { stop(); choose(shown[slider.value]); });
play.addEventListener("click", toggle);
byId("back").addEventListener("click", () => { stop(); step(-1); });
byId("next").addEventListener("click", () => { stop(); step(1); });
document.querySelector(".timeline").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  stop();
  choose(byId(link.hash.slice(1)));
});
// A link to a frame that the search hides shows it again.
window.addEventListener("hashchange", () => {
  const target = byId(location.hash.slice(1));
  if (target && target.hidden) { box.value = ""; search(); target.scrollIntoView(); }
});
// Wide drawings show their middle first.
for (const box of document.querySelectorAll(".scroll")) box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
search();
const first = all.find((frame) => frame.dataset.changed) || all[0];
if (first) choose(first);

/**
 * The page that is measured. Its address says what it holds: `kind` (component, replay, or plain: no more than an
 * EventSource and a list), `server`, `video`, `token`, `clock` (audio, or own), `zero` (ms by Date.now() when the stamps' clock began). What it is asked to do is in `window.bench`.
 */

import { Replaying } from "./replaying.js";
import { Sight, list, posted } from "./sight.js";

const asked = new URLSearchParams(location.search);
const { kind = "", server = "", video = "", token = "", clock = "", zero = "0" } = Object.fromEntries(asked);
const main = /** @type {HTMLElement} */ (document.querySelector("main"));

/** @param {HTMLElement} made @param {Record<string, string>} attributes */
function put(made, attributes) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  main.append(made);
  return made;
}

/** What anybody would write first; the newest 200 are kept, as in the component. */
async function plain() {
  const box = put(document.createElement("div"), { class: "plain" });
  const source = new EventSource(`${server}/v1/videos/${video}/comments/stream?backlog=0`);
  source.addEventListener("comment", ({ data }) => {
    const row = document.createElement("div");
    row.textContent = JSON.parse(data).text;
    box.append(row);
    if (box.childElementCount > 200) box.firstElementChild?.remove();
    box.scrollTop = box.scrollHeight;
  });
  await new Promise((resolve) => source.addEventListener("welcome", resolve, { once: true }));
  return new Sight(box, box, Number(zero));
}

/** @param {Record<string, string>} attributes */
async function component(attributes) {
  const { HubbubComments, PlayerClock } = await import(`${server}/client/v1/hubbub-comments.js`);
  const made = new HubbubComments();
  if (clock === "own") made.clock = new PlayerClock();
  put(made, { src: server, video, ...attributes });
  while (made.feed?.state.state !== "live") await new Promise((resolve) => setTimeout(resolve, 20));
  return made;
}

/** The ms that a replay window takes without any client. @param {number} start */
async function fetched(start) {
  const begin = performance.now();
  const answer = await fetch(`${server}/v1/videos/${video}/replay?start=${start}&duration=180&limit=1000`);
  await answer.json();
  return performance.now() - begin;
}

async function bench() {
  if (kind === "plain") return { sight: await plain() };
  if (kind === "component") {
    const element = await component(token ? { token } : {});
    const sight = new Sight(list(element), list(element).parentElement ?? element, Number(zero));
    return { sight, post: (/** @type {[number, number]} */ [rate, seconds]) => posted(element, rate, seconds) };
  }
  if (clock === "audio") put(new Audio(), { id: "player", src: "/media/silence.wav", preload: "auto" });
  const element = await component({ mode: "replay", for: "player" });
  return { replaying: new Replaying(element.clock, list(element)), fetched };
}

Object.assign(window, { bench: bench() });

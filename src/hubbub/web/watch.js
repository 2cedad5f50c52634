// A video with its comments.

import "/client/v1/hubbub-comments.js";
import { guest, guestToken, hostToken, keepGuest, offerDemo, showLines } from "./developing.js";
import { call, inDevelopment, keepDoing, linkToken, part, stateOf, watching, withToken } from "./page.js";
import { Stage } from "./stage.js";

/** @typedef {import("./stage.js").Video} Video */
/** @typedef {import("/client/v1/hubbub-comments.js").HubbubComments} Comments */

const AGAIN = 10_000; // ms

const { video: id = "", media = "" } = document.body.dataset;
const comments = /** @type {Comments} */ (document.getElementById("comments"));
const stage = new Stage(media, (clock) => {
  // What is said after the end has no place in the recording. A link is for watching: there is no box, even if its token
  // allows to post. A moderator's link has a moderator's tools.
  comments.toggleAttribute("readonly", !!(clock || linkToken));
  document.body.classList.toggle("replay", !!clock);
  comments.clock = clock;
});
/** @type {Video | undefined} */
let video;

const token = () => (linkToken ? linkToken : inDevelopment ? guestToken() : null);

async function look() {
  try {
    show(await call("GET", `/v1/videos/${id}`, { token: await token() }));
  } catch {
    // The comments say what is wrong with the server; this is looked up again.
  }
}

/** @param {Video} now */
function show(now) {
  if (video && now.media_url !== video.media_url) return location.reload(); // the page's policy names its host
  video = now;
  document.body.dataset["state"] = now.state;
  const state = part("state", HTMLElement);
  state.textContent = now.state === "ended" && now.started_at ? "Replay" : stateOf(now);
  state.dataset["state"] = now.state;
  part("viewers", HTMLElement).textContent = now.state === "ended" && !now.viewers ? "" : watching(now.viewers);
  stage.show(now);
  const turn = part("turn", HTMLButtonElement);
  turn.hidden = !inDevelopment;
  turn.textContent = now.state === "live" ? "End the video" : now.state === "ended" ? "Go on live" : "Start the video";
}

// The stream tells at once what the look-up would find out later.
/** @type {Comments["feed"]} */
let feed;
comments.addEventListener("state", () => {
  if (comments.feed === feed) return;
  feed = comments.feed;
  feed?.on("video", () => void look());
  void look(); // by now we are one of its viewers
});

if (linkToken) {
  /** @type {HTMLAnchorElement} */ (document.querySelector("#home a")).href = withToken("/");
  comments.toggleAttribute("readonly", true);
  comments.getToken = () => linkToken;
}
if (inDevelopment) develop();
keepDoing(AGAIN, async () => {
  await look();
  // Not before it is known whether these are live or a replay.
  if (!comments.video) comments.setAttribute("video", id);
});

function develop() {
  const tell = (/** @type {string} */ words) => (part("trouble", HTMLElement).textContent = words);
  const name = part("name", HTMLInputElement);
  const moderator = part("moderator", HTMLInputElement);
  comments.getToken = guestToken;
  name.value = guest().name;
  moderator.checked = guest().moderator;
  const change = () => {
    keepGuest({ name: name.value.trim(), moderator: moderator.checked });
    comments.reconnect();
  };
  name.addEventListener("change", change);
  moderator.addEventListener("change", change);
  part("guest", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault()); // "change" has come already
  part("tools", HTMLDetailsElement).open = matchMedia("(min-width: 52rem)").matches;
  offerDemo(tell);
  showLines(id);
  part("turn", HTMLButtonElement).addEventListener("click", async () => {
    tell("");
    try {
      const act = video?.state === "live" ? "end" : "start";
      show(await call("POST", `/v1/videos/${id}/${act}`, { token: await hostToken() }));
    } catch (error) {
      tell(/** @type {Error} */ (error).message);
    }
  });
}

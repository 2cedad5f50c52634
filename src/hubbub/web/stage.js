// The media beside the comments: live while it lasts, then by a clock that can be scrubbed.
//
// A recording is played by the media element itself where that has all of it. Where there is none, or a clip shorter than
// what was live (which went round and round then), the page has a clock and a scrubber of its own, and the clip follows.

import { PlayerClock } from "/client/v1/hubbub-comments.js";
import { clockTime, dateOf, part } from "./page.js";

/**
 * As `/v1/videos/{video_id}` has it; times in ms.
 * @typedef {{video_id: string, title: string | null, media_url: string | null, state: "upcoming" | "live" | "ended",
 *   started_at: number | null, ended_at: number | null, viewers: number}} Video
 */

const SLACK = 1; // seconds by which a recording may be shorter than its video was long
const DRIFT = 0.4; // seconds that the clip may be off the clock
const LOOK = 250; // ms

export class Stage {
  #media = part("media", HTMLVideoElement);
  #still = part("still", HTMLParagraphElement);
  #controls = part("controls", HTMLDivElement);
  #play = part("play", HTMLButtonElement);
  #place = part("place", HTMLInputElement);
  #time = part("time", HTMLOutputElement);
  #clock = new PlayerClock();
  /** @type {Video | undefined} */
  #video;
  #shown = ""; // the state that is being shown
  #playable;
  #dragging = false;
  #onClock;
  /** @type {PlayerClock | HTMLMediaElement | undefined} */
  #given;

  /** @param {string} media its address, "" for none @param {(clock: PlayerClock | HTMLMediaElement | undefined) => void} onClock */
  constructor(media, onClock) {
    this.#playable = !!media;
    this.#onClock = onClock;
    this.#media.addEventListener("loadedmetadata", () => this.#keepStep());
    this.#media.addEventListener("error", () => this.#fail());
    if (media) this.#media.src = media;
    this.#play.addEventListener("click", () => this.#toggle());
    this.#place.addEventListener("input", () => {
      this.#dragging = true;
      this.#seek(Number(this.#place.value));
    });
    this.#place.addEventListener("change", () => (this.#dragging = false));
    setInterval(() => this.#look(), LOOK);
  }

  /** Seconds that it was live. */
  get #length() {
    const { started_at, ended_at } = this.#video ?? {};
    return started_at && ended_at ? Math.max((ended_at - started_at) / 1000, 1) : 0;
  }

  /** @param {Video} video */
  show(video) {
    this.#video = video;
    const kind = video.state === "ended" && !this.#length ? "over" : video.state; // a replay needs a start
    if (kind !== this.#shown) {
      const live = this.#shown === "live";
      this.#shown = kind;
      if (kind === "ended") this.#replay(live);
      else this.#showNow();
    }
    this.#look();
  }

  #showNow() {
    const live = this.#shown === "live";
    this.#give(undefined);
    this.#clock.pause();
    this.#controls.hidden = true;
    this.#media.hidden = !live || !this.#playable;
    this.#media.loop = this.#media.controls = live;
    if (live && this.#playable) {
      this.#media.muted = true; // else no browser starts it by itself
      this.#keepStep();
      this.#media.play().catch(() => {});
    } else this.#media.pause();
  }

  /** @param {boolean} continues it has just ended: go on from there */
  #replay(continues) {
    if (this.#playable && this.#media.readyState < HTMLMediaElement.HAVE_METADATA) {
      this.#media.addEventListener("loadedmetadata", () => this.#shown === "ended" && this.#replay(continues), { once: true });
      this.#media.load();
      return;
    }
    this.#media.hidden = !this.#playable;
    const whole = this.#playable && !(this.#media.duration < this.#length - SLACK); // a stream's is not a number, or endless
    this.#controls.hidden = whole;
    this.#media.controls = whole;
    this.#media.loop = !whole;
    if (continues || !whole) this.#media.pause();
    if (whole) return this.#give(this.#media);
    this.#place.max = String(Math.ceil(this.#length)); // its steps are seconds, and the end can be reached
    this.#seek(continues ? this.#length : 0);
    this.#give(this.#clock);
  }

  /** @param {PlayerClock | HTMLMediaElement | undefined} clock what the comments are to go by */
  #give(clock) {
    if (clock !== this.#given) this.#onClock((this.#given = clock));
  }

  #toggle() {
    const { paused, currentTime } = this.#clock;
    if (!paused) this.#clock.pause();
    else {
      if (currentTime >= this.#length) this.#seek(0);
      this.#clock.play();
    }
    this.#look();
  }

  /** @param {number} seconds */
  #seek(seconds) {
    this.#clock.currentTime = Math.min(seconds, this.#length);
    this.#look();
  }

  /** A live clip of fixed length shows everybody the same moment, the one that its replay will show there. */
  #keepStep() {
    const { duration } = this.#media;
    const started = this.#video?.started_at;
    if (this.#shown !== "live" || !started || !Number.isFinite(duration) || !duration) return;
    this.#media.currentTime = Math.max((Date.now() - started) / 1000, 0) % duration;
  }

  #fail() {
    if (!this.#playable) return;
    this.#playable = false;
    if (this.#shown === "ended") this.#replay(false);
    else this.#showNow();
    this.#look();
  }

  #look() {
    const { started_at = null, ended_at = null } = this.#video ?? {};
    if (this.#shown === "ended" && !this.#controls.hidden) this.#follow();
    this.#still.hidden = !this.#media.hidden;
    if (this.#still.hidden || !this.#shown) return;
    const words = {
      live: started_at ? clockTime((Date.now() - started_at) / 1000) : "Live",
      upcoming: started_at ? `Begins ${dateOf(started_at)}` : "It has not begun yet.",
      ended: clockTime(this.#clock.currentTime),
      over: ended_at ? `Ended ${dateOf(ended_at)}` : "",
    }[this.#shown];
    if (this.#still.textContent !== words) this.#still.textContent = words ?? "";
    this.#still.dataset["state"] = this.#shown;
  }

  /** The scrubber shows where the clock is, and the clip goes along. */
  #follow() {
    const length = this.#length;
    if (this.#clock.currentTime >= length && !this.#clock.paused) {
      this.#clock.pause();
      this.#clock.currentTime = length;
    }
    const { currentTime, paused } = this.#clock;
    const told = `${clockTime(currentTime)} / ${clockTime(length)}`;
    if (!this.#dragging) this.#place.value = String(currentTime < length ? Math.floor(currentTime) : Math.ceil(length));
    this.#place.style.setProperty("--done", String(Math.min(currentTime / length, 1)));
    if (this.#time.value !== told) {
      this.#time.value = told;
      this.#place.ariaValueText = `${clockTime(currentTime)} of ${clockTime(length)}`;
    }
    this.#play.ariaLabel = paused ? "Play" : "Pause";
    this.#play.dataset["paused"] = String(paused);
    if (this.#media.hidden) return;
    const { duration } = this.#media;
    const wanted = currentTime % duration;
    if (!this.#media.seeking && Math.abs(this.#media.currentTime - wanted) > (paused ? 0.05 : DRIFT)) {
      this.#media.currentTime = wanted;
    }
    if (paused !== this.#media.paused) void (paused ? this.#media.pause() : this.#media.play().catch(() => {}));
  }
}

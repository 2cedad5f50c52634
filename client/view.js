import { button, make } from "./dom.js";
import { CommentList } from "./list.js";
import { rowOf } from "./row.js";

/** @typedef {import("./list.js").Entry} Entry */
/**
 * What the view asks of the element around it. `toolsFor`: what may be done to a comment, by name and words.
 * @typedef {{words: import("./strings.js").Words, replay: () => boolean, render: () => import("./row.js").RenderComment | undefined,
 *   toolsFor: (entry: Entry, pinned: boolean) => [string, string][], act: (what: string, entry: Entry) => void,
 *   newest: () => import("./model.js").Comment[], earlier: () => void}} Host
 */

const NEAR = 120; // px from the top at which earlier comments are fetched
const END = 4; // px that the end may be away and still be the end

/** The scrolling log of comments: stays at the newest, or where its reader is. */
export class View {
  #host;
  #items;
  #empty;
  #button;
  #newer;
  #tools;
  #log;
  #pins;
  /** @type {import("./model.js").Comment[]} */
  #pinsTold = [];
  list = new CommentList({
    put: (entry, next, fresh) => this.#put(entry, next, fresh),
    remove: (entry) => this.#steady(() => this.#remove(entry)),
    change: (entry) => this.#note(entry),
    newest: () => this.#host.newest(),
  });
  /** @type {WeakMap<Entry, HTMLLIElement>} */
  #rows = new WeakMap();
  /** @type {WeakMap<Element, Entry>} */
  #entries = new WeakMap();
  #frame = 0;
  #height = 0; // of the log when it last settled
  #holding = false;

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
    this.#items = make("ol");
    this.#empty = make("slot", { name: "empty" });
    this.#button = button("earlier", () => host.earlier());
    this.#newer = button("newer", () => this.toEnd());
    this.#tools = make("div", { part: "tools", role: "toolbar" });
    const parts = { part: "list", role: "log", ariaLive: "off", tabIndex: 0 };
    this.#log = make("div", parts, this.#button, this.#items, make("div", { part: "empty" }, this.#empty));
    this.#pins = make("ol");
    this.pinned = make("section", { part: "pins", hidden: true }, make("h2"), this.#pins);
    this.feed = make("div", { part: "feed" }, this.#log, this.#newer);
    this.#log.addEventListener("scroll", () => this.#scrolled());
    this.#log.addEventListener("keydown", (event) => this.#key(event));
    for (const area of [this.#items, this.#pins]) {
      for (const sign of ["pointerover", "focusin", "click"]) area.addEventListener(sign, (event) => this.#offer(event));
      area.addEventListener("pointerleave", () => this.#tools.contains(focused(this.#tools)) || this.#tools.remove());
    }
    new ResizeObserver(() => this.#settle()).observe(this.#log);
    this.reword();
  }

  reword() {
    const { words } = this.#host;
    this.#log.ariaLabel = words.say("comments");
    this.pinned.ariaLabel = words.say("pinned");
    this.pinned.firstElementChild?.replaceChildren(words.say("pinned"));
    this.#button.textContent = words.say("earlier");
    this.#empty.textContent = words.say("empty");
    this.settle();
  }

  /** Show nothing that is kept: it is of another video, or its times were another clock's. */
  clear() {
    this.list.replace([]);
    this.showPins([]);
  }

  /** Go to the newest comment and stay there. */
  toEnd() {
    this.list.follow();
    if (focused(this.#newer) === this.#newer) this.#log.focus();
    this.#settle();
  }

  /** Not those by people who are muted. @param {import("./model.js").Comment[]} [pins] the latest last; by default those of before */
  showPins(pins = this.#pinsTold) {
    this.#pinsTold = pins;
    const rows = pins.filter(({ user }) => !this.list.muted.has(user.id)).map((pin) => this.#row(pin));
    this.#pins.replaceChildren(...rows.reverse());
    this.pinned.hidden = !rows.length;
    this.settle();
  }

  /** @param {import("./model.js").Comment[]} comments oldest first @param {boolean} more there are still others */
  addEarlier(comments, more) {
    this.#steady(() => this.list.addEarlier(comments, more));
    this.settle();
  }

  /** Look right once more, with the next frame. */
  settle() {
    this.#frame ||= requestAnimationFrame(() => this.#settle());
  }

  #settle() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { unread, following, entries } = this.list;
    this.#empty.parentElement?.toggleAttribute("hidden", entries.length > 0);
    this.#button.hidden = !this.list.more || !entries.length;
    this.#newer.hidden = following || !unread;
    this.#newer.textContent = this.#host.words.say("newer", { n: unread }) + " ↓";
    if (following) this.#log.scrollTop = this.#log.scrollHeight;
    this.#height = this.#log.clientHeight;
  }

  #scrolled() {
    const { clientHeight, scrollHeight, scrollTop } = this.#log;
    if (clientHeight !== this.#height) return; // resized, not scrolled by anybody: the observer is about to settle it
    const atEnd = scrollHeight - clientHeight - scrollTop < END;
    // What came since the last frame has moved the end away, not the reader from it.
    if (atEnd && !this.list.following) {
      if (this.list.follow()) this.settle();
      else this.#settle();
    } else if (!this.#frame) this.list.following = atEnd;
    if (scrollTop < NEAR && !atEnd && !this.#button.hidden) this.#host.earlier();
  }

  /** Change something above without moving what is being read. @param {() => void} change */
  #steady(change) {
    if (this.list.following || this.#holding) return change();
    const top = this.#log.scrollTop;
    const anchor = [...this.#items.children].find((row) => /** @type {HTMLElement} */ (row).offsetTop + row.clientHeight > top);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    this.#holding = true;
    change();
    this.#holding = false;
    if (anchor?.isConnected) this.#log.scrollTop += anchor.getBoundingClientRect().top - before;
    this.settle();
  }

  /** @param {Entry} entry @param {Entry | undefined} next @param {boolean} fresh */
  #put(entry, next, fresh) {
    const row = this.#rows.get(entry) ?? this.#row(entry);
    this.#rows.set(entry, row);
    row.classList.toggle("fresh", fresh);
    const before = (next && this.#rows.get(next)) ?? null;
    if (before) this.#steady(() => this.#items.insertBefore(row, before));
    else this.#items.append(row);
    this.#note(entry);
    this.settle();
  }

  /** @param {Entry} entry */
  #remove(entry) {
    const row = this.#rows.get(entry);
    if (row?.contains(focused(row))) this.#log.focus();
    row?.remove();
    this.settle();
  }

  /** @param {Entry} entry */
  #row(entry) {
    const row = rowOf(entry, this.#host.replay(), this.#host.render());
    this.#entries.set(row, entry);
    return row;
  }

  /** What there is to say of a comment on its way. @param {Entry} entry */
  #note(entry) {
    const row = this.#rows.get(entry);
    if (!row) return;
    row.classList.toggle("sending", !!entry.sending);
    row.dataset["id"] = entry.id;
    row.querySelector(".note")?.remove();
    if (!entry.failed) return;
    const { words, act } = this.#host;
    const offers = ["again", "discard"].map((what) => button(what, () => act(what, entry), words.say(what)));
    row.append(make("p", { part: "note" }, words.refusal(entry.failed), " ", ...offers));
    this.settle();
  }

  /** Show what may be done to the comment under the pointer or focus. @param {Event} event */
  #offer(event) {
    const row = /** @type {Element} */ (event.target).closest("li");
    const entry = row && this.#entries.get(row);
    if (!row || !entry || entry.sending || entry.failed || this.#tools.parentElement === row) return;
    const touched = event.type === "pointerover" && /** @type {PointerEvent} */ (event).pointerType !== "mouse";
    if (touched || this.#tools.contains(focused(this.#tools))) return;
    const offers = this.#host.toolsFor(entry, row.parentElement === this.#pins);
    this.#tools.remove();
    if (!offers.length) return;
    this.#tools.ariaLabel = this.#host.words.say("tools", { name: entry.user.name });
    this.#tools.replaceChildren(...offers.map(([what, words]) => button(what, () => this.#act(what, entry), words)));
    row.append(this.#tools);
  }

  /** @param {string} what @param {Entry} entry */
  #act(what, entry) {
    const row = this.#tools.parentElement;
    this.#tools.remove();
    if (row?.isConnected && row.parentElement === this.#items) row.focus({ preventScroll: true });
    this.#host.act(what, entry);
  }

  /** Arrows go from comment to comment, Tab to what may be done to it, Escape back. @param {KeyboardEvent} event */
  #key(event) {
    const { key } = event;
    const row = /** @type {Element} */ (event.target).closest("li");
    const all = this.#items.children;
    /** @type {Element | null | undefined} */
    let to;
    if (key === "ArrowUp") to = row ? row.previousElementSibling : all[all.length - 1];
    else if (key === "ArrowDown" && row) to = row.nextElementSibling;
    else if (key === "Escape" && row) {
      this.#tools.remove();
      to = this.#log;
    } else return;
    event.preventDefault();
    if (to instanceof HTMLElement) to.focus();
  }
}

/** Which element of the same shadow tree has the focus. @param {Node} node */
function focused(node) {
  const root = node.getRootNode();
  return root instanceof ShadowRoot ? root.activeElement : null;
}

// Three ways to carry a video's events. Each is a function that opens a connection and resolves with the words why it
// ended; it rejects with a Problem where there was none to be had.

import { queryOf } from "./api.js";
import { NAMES } from "./model.js";
import { Problem } from "./problem.js";
import { EventParser } from "./sse.js";

/** @typedef {import("./model.js").WireEvent} WireEvent */
/**
 * `place`: the id of the last event that was taken, "" for a newcomer. `take` is given every event, `alive` is called at
 * every sign of life. `once`: bring what there is and end (polls).
 * @typedef {{api: import("./api.js").Api, video: string, place: string, backlog: number, signal: AbortSignal,
 *   take: (event: WireEvent) => void, alive: () => void, once?: boolean}} Line
 */
/** @typedef {(line: Line) => Promise<string>} Transport */

const HELD = 25; // seconds that a poll waits

/** `fetch`, read as it comes: headers, a status that can be seen, tokens out of the address. @type {Transport} */
export async function streaming({ api, video, place, backlog, signal, take, alive }) {
  const url = api.url(video, `/comments/stream?${queryOf({ batch: 1, backlog })}`);
  /** @type {Record<string, string>} */
  const headers = { Accept: "text/event-stream", ...(place && { "Last-Event-ID": place }) };
  const response = await api.fetch(url, { headers, signal, cache: "no-store" });
  const type = response.headers.get("content-type") ?? "";
  if (!type.startsWith("text/event-stream")) throw new Problem(`The answer is no event stream but ${type}.`);
  alive();
  const parser = new EventParser();
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return "the connection ended";
    alive();
    for (const event of parser.feed(decoder.decode(value, { stream: true }))) take(event);
  }
}

/** The browser's own, where a body can't be read as it comes. @type {Transport} */
export async function eventSource({ api, video, place, backlog, signal, take, alive }) {
  const token = await api.tokens.current();
  const query = queryOf({ batch: 1, backlog, last_event_id: place, access_token: token });
  const source = new EventSource(api.url(video, `/comments/stream?${query}`));
  /** @type {Promise<string>} */
  const ended = new Promise((resolve) => {
    // Trying again is the session's business, with its own patience and a fresh token.
    source.addEventListener("error", () => resolve("the connection ended"));
    source.addEventListener("open", alive);
    signal.addEventListener("abort", () => resolve("stopped"));
  });
  for (const name of NAMES) {
    source.addEventListener(name, ({ data, lastEventId }) => {
      alive();
      take({ name, data: JSON.parse(data), id: lastEventId });
    });
  }
  return ended.finally(() => source.close());
}

/** Long poll, where streams are held back. @type {Transport} */
export async function polling({ api, video, place, backlog, signal, take, alive, once }) {
  let wait = 0; // the first answer tells that polls get through
  do {
    const query = queryOf({ after: place, backlog, wait });
    const response = await api.fetch(api.url(video, `/comments/poll?${query}`), { signal, cache: "no-store" });
    const { events, position } = await response.json();
    alive();
    for (const { event, data, id } of events) take({ name: event, data, id: id ?? undefined });
    place = position;
    wait = HELD;
    take({ name: "", data: undefined, id: position }); // also an answer without events says that we are in touch
  } while (!signal.aborted && !once);
  return "the poll ended";
}

/** Whether a body can be read as it comes. */
export function canStream() {
  return typeof ReadableStream === "function" && "body" in Response.prototype && "any" in AbortSignal;
}

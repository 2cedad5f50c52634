// The ways to carry a video's events. Each is a function that opens a connection and resolves with the words why it
// ended; it rejects with a Problem where there was none to be had.

import { queryOf } from "./api.js";
import { fetched } from "./fetched.js";
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

/** `fetch`, read as it comes: headers, a status that can be seen, tokens out of the address. @type {Transport} */
export async function streaming({ api, video, place, backlog, signal, take, alive }) {
  const shard = await api.shard(video);
  const url = api.url(video, `/comments/stream?${queryOf({ batch: 1, backlog, shard })}`);
  /** @type {Record<string, string>} */
  const headers = { Accept: "text/event-stream", ...(place && { "Last-Event-ID": place }) };
  const response = await api.fetch(url, { headers, signal });
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

/** @param {"eventSource" | "polling"} name @returns {Transport} */
function fallback(name) {
  return async (line) => (await fetched("fallbacks.js"))[name](line);
}

/** The best stream that this browser has. */
export const streamed = globalThis.ReadableStream && "body" in Response.prototype ? streaming : fallback("eventSource");
export const polling = fallback("polling");

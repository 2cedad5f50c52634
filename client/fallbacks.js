// Ways to carry events that few browsers and networks need, so they are fetched when they do. No imports: this file is
// also fetched by the client that is one file.

/** @typedef {import("./transports.js").Transport} Transport */

const HELD = 25; // seconds that a poll waits

/** The names of all events of a stream: an EventSource tells only of those that it is asked for. */
const NAMES = [
  ..."welcome comment start end settings reset reconnect".split(" "),
  ..."batch deleted hidden restored pinned unpinned".split(" ").map((name) => `comment_${name}`),
];

/** The browser's own, where a body can't be read as it comes. @type {Transport} */
export async function eventSource({ api, video, place, backlog, signal, take, alive }) {
  const shard = await api.shard(video);
  const token = await api.tokens.current();
  const query = new URLSearchParams({ batch: "1", backlog: String(backlog), last_event_id: place, access_token: token });
  if (!token) query.delete("access_token");
  if (shard !== undefined) query.set("shard", String(shard));
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
  const shard = await api.shard(video);
  let wait = 0; // the first answer tells that polls get through
  do {
    const query = new URLSearchParams({ after: place, backlog: String(backlog), wait: String(wait) });
    if (shard !== undefined) query.set("shard", String(shard));
    const response = await api.fetch(api.url(video, `/comments/poll?${query}`), { signal });
    const { events, position } = await response.json();
    alive();
    for (const { event, data, id } of events) take({ name: event, data, id: id ?? undefined });
    place = position;
    wait = HELD;
    take({ name: "", data: undefined, id: position }); // also an answer without events says that we are in touch
  } while (!signal.aborted && !once);
  return "the poll ended";
}

/**
 * JavaScript libraries for server-sent events, each run as its documentation shows.
 *
 *     node --experimental-eventsource clients.mjs LIBRARY URL
 *
 * Every event becomes a line on standard output: a JSON array of its name, its data and the library's last event id. All of them
 * reconnect by themselves. Ends when standard input does, so that it can't outlive the test that started it.
 */

/** Every event's name that a stream may carry: an EventSource tells only of those it is asked for. */
const NAMES = [
  'welcome', 'comment', 'comment_batch', 'comment_deleted', 'comment_hidden', 'comment_restored', 'comment_pinned',
  'comment_unpinned', 'settings', 'reset', 'reconnect', 'message',
];

/** @param {string} name @param {string} data @param {string | undefined} lastEventId */
function report(name, data, lastEventId) {
  process.stdout.write(JSON.stringify([name, data, lastEventId ?? '']) + '\n');
}

/** @param {{addEventListener(name: string, listener: (event: MessageEvent) => void): void}} source */
function reportAll(source) {
  for (const name of NAMES) {
    source.addEventListener(name, (event) => report(event.type, event.data, event.lastEventId));
  }
}

/** @type {Record<string, (url: string) => Promise<void>>} */
const LIBRARIES = {
  /** The EventSource of Node itself (undici). */
  async node(url) {
    reportAll(new EventSource(url));
  },

  async eventsource(url) {
    const { EventSource } = await import('eventsource');
    reportAll(new EventSource(url));
  },

  async 'eventsource-client'(url) {
    const { createEventSource } = await import('eventsource-client');
    const source = createEventSource(url);
    for await (const { event, data } of source) {
      report(event ?? 'message', data, source.lastEventId);
    }
  },

  async 'launchdarkly-eventsource'(url) {
    // @ts-expect-error: this package has no types
    const { EventSource } = await import('launchdarkly-eventsource');
    const source = new EventSource(url);
    source.onerror = () => {}; // a Node emitter throws where nobody listens for errors
    reportAll(source);
  },
};

const [library = '', url = ''] = process.argv.slice(2);
const watch = LIBRARIES[library];
if (watch === undefined) throw new Error(`There is no library ${library} here.`);
process.stdin.resume().on('end', () => process.exit(0));
await watch(url);

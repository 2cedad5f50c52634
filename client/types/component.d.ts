/**
 * `<hubbub-comments video="…">`: a video's comments, with a box to write one.
 *
 *     <script type="module" src="https://comments.example.org/client/v1/hubbub-comments.js"></script>
 *     <hubbub-comments video="launch" for="player" token-url="/comments-token"></hubbub-comments>
 *
 * Attributes, properties, methods, events, slots and parts stand in docs/client.md. This module has the attributes and
 * properties and chooses the feed; from there
 *
 *     feed (live.js, replay.js) → flow.js → view.js with list.js: what is shown
 *     box.js → writing.js → list.js and the server: what is written
 *     earlier.js: pages of history    acts.js: what is done to a comment    status.js: how it all stands
 *
 * @module
 */
export * from "./hubbub.js";
export type Entry = import("./list.js").Entry;
export declare class HubbubComments extends HTMLElement {
    #private;
    static observedAttributes: string[];
    /** @type {import("./row.js").RenderComment | undefined} how a page shows comments in its own way */
    renderComment: import("./row.js").RenderComment | undefined;
    constructor();
    connectedCallback(): void;
    disconnectedCallback(): void;
    /** @param {string} name */
    attributeChangedCallback(name: string): void;
    get video(): string;
    /** Brings a token; is asked again when one has run out. */
    get getToken(): import("./tokens.js").GetToken | undefined;
    set getToken(get: import("./tokens.js").GetToken | undefined);
    /** How far the player is behind the stage. */
    get latency(): import("./latency.js").Latency;
    set latency(latency: import("./latency.js").Latency);
    /** What a replay goes by: by default the element that `for` names. */
    get clock(): import("./clock.js").Clock | undefined;
    set clock(clock: import("./clock.js").Clock | undefined);
    /** @returns {import("./strings.js").Strings} */
    get strings(): import("./strings.js").Strings;
    set strings(strings: import("./strings.js").Strings);
    /** Where the comments come from, once it has begun. */
    get feed(): import("./room.js").Feed | undefined;
    /** Begin anew, as after signing in. */
    reconnect(): void;
    /** Go to the newest comment. */
    toEnd(): void;
    /** Not to see somebody, or to see them again from now on. @param {string} userId */
    mute(userId: string, muted?: boolean): void;
    /** Write a comment: shown at once, and kept when this resolves. Rejects with a Problem. @param {string} text */
    post(text: string): Promise<import("./model.js").Comment>;
}

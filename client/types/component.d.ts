/**
 * `<hubbub-comments video="…">`: a video's comments, with a box to write one.
 *
 *     <script type="module" src="https://comments.example.org/client/v1/hubbub.js"></script>
 *     <hubbub-comments video="launch" for="player" token-url="/comments-token"></hubbub-comments>
 *
 * Attributes: `video`; `src` (the server; by default where this script is from); `mode` (`live`, `replay`, or `auto`: live
 * until the video has ended); `for` (id of the player's media element); `latency` (seconds); `token`, or `token-url` (answers
 * POST with {"token"}); `readonly`; `max-text`; `report` (offer to report comments); `alone` (share no stream).
 * Properties: `getToken`, `latency`, `clock`, `strings`, `renderComment`, `feed`. Methods: `post`, `reconnect`, `mute`,
 * `toEnd`. Events: `comment`, `post`, `state`, `error`, with what there is to tell in `detail`. Slots: `header`, `empty`,
 * `sign-in`, `footer`.
 *
 * @module
 */
export * from "./hubbub.js";
export type Entry = import("./list.js").Entry;
export type Comment = import("./model.js").Comment;
export declare class HubbubComments extends HTMLElement {
    #private;
    static observedAttributes: string[];
    /** @type {import("./live.js").LiveFeed | import("./replay.js").ReplayFeed | undefined} */
    feed: import("./live.js").LiveFeed | import("./replay.js").ReplayFeed | undefined;
    /** @type {import("./row.js").RenderComment | undefined} how a page shows comments in its own way */
    renderComment: import("./row.js").RenderComment | undefined;
    constructor();
    connectedCallback(): void;
    disconnectedCallback(): void;
    attributeChangedCallback(): void;
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
    /** Begin anew, as after signing in. */
    reconnect(): void;
    /** Go to the newest comment. */
    toEnd(): void;
    /** Not to see somebody, or to see them again from now on. @param {string} userId */
    mute(userId: string, muted?: boolean): void;
    /** Write a comment: shown at once, and kept when this resolves. Rejects with a Problem. @param {string} text */
    post(text: string): Promise<import("./model.js").Comment>;
}

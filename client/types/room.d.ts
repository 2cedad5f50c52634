import { Hubbub } from "./hubbub.js";
import { Words } from "./strings.js";
export type Feed = import("./live.js").LiveFeed | import("./replay.js").ReplayFeed;
/** @typedef {import("./live.js").LiveFeed | import("./replay.js").ReplayFeed} Feed */
/** What the parts of one element share. All but the words changes when it begins anew, so nobody keeps it. */
export declare class Room {
    #private;
    words: Words;
    hubbub: Hubbub;
    video: string;
    replay: boolean;
    /** @type {Feed | undefined} */
    feed: Feed | undefined;
    /** @param {EventTarget} element */
    constructor(element: EventTarget);
    /** The id of who is signed in, as far as is known. @returns {string | undefined} */
    get me(): string | undefined;
    /** Tell the page. @param {string} type @param {unknown} detail */
    tell(type: string, detail: unknown): void;
    /** Tell the page that something went wrong. @param {unknown} error */
    fail(error: unknown): import("./problem.js").Problem;
}

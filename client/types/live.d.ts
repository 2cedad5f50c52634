import { Emitter } from "./emitter.js";
export type Comment = import("./model.js").Comment;
export type Source = import("./session.js").Session | import("./sharing.js").SharedSession;
/**
 * A video's comments as they are made, in step with this viewer's player. Emits
 *
 * - `picture` (Comment[]): show these instead of what you show
 * - `comments` ({comments, earlier}): in order, each once; `earlier`: said before now, not to be announced
 * - `gone` (id), `back` (a Comment, at its place by id), `pins` (Comment[], the latest last)
 * - `state` (a State), `video` ({state, started_at, ended_at, viewers, settings}), `error` (a Problem that ended it)
 */
export declare class LiveFeed extends Emitter {
    #private;
    /** @param {Source} source @param {import("./latency.js").Latency} [latency] */
    constructor(source: Source, latency?: import("./latency.js").Latency);
    get state(): import("./model.js").State;
    /** The newest comments that were shown, some 200. */
    get newest(): import("./model.js").Comment[];
    /** How the video stands. @returns {Record<string, any>} */
    get video(): Record<string, any>;
    /** @param {import("./latency.js").Latency} latency */
    set latency(latency: import("./latency.js").Latency);
    start(): void;
    stop(): void;
    nudge(): void;
}

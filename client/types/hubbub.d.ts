/**
 * Hubbub's client, for pages and programs that draw comments themselves. Who wants them drawn imports `component.js`.
 *
 *     const hubbub = new Hubbub({ url: "https://comments.example.org", getToken });
 *     const feed = hubbub.live("launch", { latency: () => hls.latency });
 *     feed.on("comments", ({ comments }) => draw(comments));
 *     feed.start();
 *
 * @module
 */
import { Api } from "./api.js";
import { LiveFeed } from "./live.js";
import { Draft } from "./posting.js";
import { Tokens } from "./tokens.js";
export { PlayerClock } from "./clock.js";
export { CommentList } from "./list.js";
export { Pacer } from "./pacing.js";
export { Problem } from "./problem.js";
export { Draft, LiveFeed };
export type Comment = import("./model.js").Comment;
/** @typedef {import("./model.js").Comment} Comment */
/** One server, in one person's name. */
export declare class Hubbub {
    tokens: Tokens;
    api: Api;
    /** @param {{url: string, getToken?: import("./tokens.js").GetToken | undefined}} options */
    constructor({ url, getToken }: {
        url: string;
        getToken?: import("./tokens.js").GetToken | undefined;
    });
    /**
     * A video's comments as they are made. `share`: one stream for all tabs of this origin, where the browser can.
     * @param {string} video
     * @param {{latency?: import("./latency.js").Latency, backlog?: number, share?: boolean}} [options]
     */
    live(video: string, { latency, backlog, share }?: {
        latency?: import("./latency.js").Latency;
        backlog?: number;
        share?: boolean;
    }): LiveFeed;
    /**
     * A recording's comments, by a player's clock. Who only watches live never fetches what this takes.
     * @param {string} video
     * @param {import("./clock.js").Clock} clock
     * @returns {Promise<import("./replay.js").ReplayFeed>}
     */
    replay(video: string, clock: import("./clock.js").Clock): Promise<import("./replay.js").ReplayFeed>;
    /** A comment to be sent (`send`), again if need be. @param {string} video @param {string} text @param {object} [meta] */
    draft(video: string, text: string, meta?: object): Draft;
}

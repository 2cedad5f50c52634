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
import { fetched } from "./fetched.js";
import { LiveFeed } from "./live.js";
import { Draft } from "./posting.js";
import { Session } from "./session.js";
import { canShare, SharedSession } from "./sharing.js";
import { Tokens } from "./tokens.js";

export { PlayerClock } from "./clock.js";
export { CommentList } from "./list.js";
export { Pacer } from "./pacing.js";
export { Problem } from "./problem.js";
export { Draft, LiveFeed };

/** @typedef {import("./model.js").Comment} Comment */

/** One server, in one person's name. */
export class Hubbub {
  /** @param {{url: string, getToken?: import("./tokens.js").GetToken | undefined}} options */
  constructor({ url, getToken }) {
    this.tokens = new Tokens(getToken);
    this.api = new Api(url, this.tokens);
  }

  /**
   * A video's comments as they are made. `share`: one stream for all tabs of this origin, where the browser can.
   * @param {string} video
   * @param {{latency?: import("./latency.js").Latency, backlog?: number, share?: boolean}} [options]
   */
  live(video, { latency = 0, backlog = 100, share = true } = {}) {
    const session = new Session(this.api, video, { backlog });
    // What somebody may see with a token is not for tabs that have none.
    const name = `hubbub ${this.api.url(video)} ${this.tokens.get ? "token" : ""}`;
    return new LiveFeed(share && canShare() ? new SharedSession(name, session) : session, latency);
  }

  /**
   * A recording's comments, by a player's clock. Who only watches live never fetches what this takes.
   * @param {string} video
   * @param {import("./clock.js").Clock} clock
   * @returns {Promise<import("./replay.js").ReplayFeed>}
   */
  async replay(video, clock) {
    const { ReplayFeed } = await fetched("replay-feed.js");
    return new ReplayFeed(this.api, video, clock);
  }

  /** A comment to be sent (`send`), again if need be. @param {string} video @param {string} text @param {object} [meta] */
  draft(video, text, meta) {
    return new Draft(this.api, video, text, meta);
  }
}

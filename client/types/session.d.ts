import { Backoff } from "./backoff.js";
import { Emitter } from "./emitter.js";
export type WireEvent = import("./model.js").WireEvent;
export type State = import("./model.js").State;
export type Transport = import("./transports.js").Transport;
/**
 * Emits `event` (a Happening), `state` (a State) and `error` (a Problem that ended it; `start` begins again).
 */
export declare class Session extends Emitter {
    #private;
    api: import("./api.js").Api;
    place: string;
    /** @type {State} */
    state: State;
    /**
     * @param {import("./api.js").Api} api
     * @param {string} video
     * @param {{backlog?: number, stream?: Transport, poll?: Transport, backoff?: Backoff}} [options]
     */
    constructor(api: import("./api.js").Api, video: string, { backlog, stream, poll, backoff }?: {
        backlog?: number;
        stream?: Transport;
        poll?: Transport;
        backoff?: Backoff;
    });
    start(): void;
    stop(): void;
    /** Try now what would be tried later; look at once whether the connection is still alive. */
    nudge(): void;
}

import { Backoff } from "./backoff.js";
import { Emitter } from "./emitter.js";
export type Clock = import("./clock.js").Clock;
export type Placed = import("./windows.js").Placed;
export type State = import("./model.js").State;
/**
 * A recording's comments, each at the second it was made, by the clock of a player. Emits what a LiveFeed does; `earlier`
 * is always false but in a `picture`.
 */
export declare class ReplayFeed extends Emitter {
    #private;
    /** @type {State} */
    state: State;
    /**
     * @param {import("./api.js").Api} api
     * @param {string} video
     * @param {Clock} clock
     * @param {{backoff?: Backoff}} [options]
     */
    constructor(api: import("./api.js").Api, video: string, clock: Clock, { backoff }?: {
        backoff?: Backoff;
    });
    /** The comments that stand there now. */
    get newest(): import("./windows.js").Placed[];
    /** A replay's video has ended. */
    get video(): {
        state: string;
    };
    start(): void;
    stop(): void;
    /** Try now what would be tried later. */
    nudge(): void;
    /** A comment that was removed by hand. @param {string} id */
    drop(id: string): void;
}

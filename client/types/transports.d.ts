export type WireEvent = import("./model.js").WireEvent;
export type Line = {
    api: import("./api.js").Api;
    video: string;
    place: string;
    backlog: number;
    signal: AbortSignal;
    take: (event: WireEvent) => void;
    alive: () => void;
    once?: boolean;
};
export type Transport = (line: Line) => Promise<string>;
/** @typedef {import("./model.js").WireEvent} WireEvent */
/**
 * `place`: the id of the last event that was taken, "" for a newcomer. `take` is given every event, `alive` is called at
 * every sign of life. `once`: bring what there is and end (polls).
 * @typedef {{api: import("./api.js").Api, video: string, place: string, backlog: number, signal: AbortSignal,
 *   take: (event: WireEvent) => void, alive: () => void, once?: boolean}} Line
 */
/** @typedef {(line: Line) => Promise<string>} Transport */
/** `fetch`, read as it comes: headers, a status that can be seen, tokens out of the address. @type {Transport} */
export declare function streaming({ api, video, place, backlog, signal, take, alive }: Line): Promise<string>;
/** The best stream that this browser has. */
export declare const streamed: Transport;
export declare const polling: Transport;

export type WireEvent = import("./model.js").WireEvent;
/** @typedef {import("./model.js").WireEvent} WireEvent */
/** Takes a stream in pieces of any size, cut anywhere. */
export declare class EventParser {
    #private;
    /**
     * The events that `text` completes; their data is JSON, decoded. Throws what JSON.parse does, and RangeError for an
     * event without end.
     * @param {string} text
     * @returns {WireEvent[]}
     */
    feed(text: string): WireEvent[];
}

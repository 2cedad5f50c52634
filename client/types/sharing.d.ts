import { Emitter } from "./emitter.js";
export type Happening = import("./model.js").Happening;
export type State = import("./model.js").State;
export type Session = import("./session.js").Session;
/** @typedef {import("./model.js").Happening} Happening */
/** @typedef {import("./model.js").State} State */
/** @typedef {import("./session.js").Session} Session */
export declare function canShare(): boolean;
/** Emits what a Session does, and `role` (true: this tab keeps the stream). */
export declare class SharedSession extends Emitter {
    #private;
    name: string;
    /** @type {State} */
    state: State;
    leads: boolean;
    /** @param {string} name what is shared @param {Session} session this tab's own, kept still while another tab leads */
    constructor(name: string, session: Session);
    start(): void;
    stop(): void;
    nudge(): void;
}

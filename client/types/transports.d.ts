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
/** `fetch`, read as it comes: headers, a status that can be seen, tokens out of the address. @type {Transport} */
export declare function streaming({ api, video, place, backlog, signal, take, alive }: Line): Promise<string>;
/** The browser's own, where a body can't be read as it comes. @type {Transport} */
export declare function eventSource({ api, video, place, backlog, signal, take, alive }: Line): Promise<string>;
/** Long poll, where streams are held back. @type {Transport} */
export declare function polling({ api, video, place, backlog, signal, take, alive, once }: Line): Promise<string>;
/** Whether a body can be read as it comes. */
export declare function canStream(): boolean;

export type Transport = import("./transports.js").Transport;
/** The browser's own, where a body can't be read as it comes. @type {Transport} */
export declare function eventSource({ api, video, place, backlog, signal, take, alive }: import("./transports.js").Line): Promise<string>;
/** Long poll, where streams are held back. @type {Transport} */
export declare function polling({ api, video, place, backlog, signal, take, alive, once }: import("./transports.js").Line): Promise<string>;

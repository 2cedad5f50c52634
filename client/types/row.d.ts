export type Entry = import("./list.js").Entry;
export type RenderComment = (comment: Entry) => Node | string | void;
/**
 * A comment, as a list's item.
 * @param {Entry} entry @param {boolean} replay whether its time is the video's
 * @param {RenderComment} [render]
 */
export declare function rowOf(entry: Entry, replay: boolean, render?: RenderComment): HTMLLIElement;

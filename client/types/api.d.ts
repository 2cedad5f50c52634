import { Tokens } from "./tokens.js";
export type Comment = import("./model.js").Comment;
export type Page = {
    comments: Comment[];
    next_cursor: string | null;
    has_more: boolean;
};
/** The calls of one server, in one person's name. All reject with a Problem. */
export declare class Api {
    #private;
    tokens: Tokens;
    /** @param {string} base the server's address @param {Tokens} [tokens] */
    constructor(base: string, tokens?: Tokens);
    /** @param {string} video @param {string} [rest] */
    url(video: string, rest?: string): string;
    /**
     * A response that was no refusal. A token that is refused is replaced once.
     * @param {string} url
     * @param {RequestInit & {headers?: Record<string, string>}} init
     * @returns {Promise<Response>}
     */
    fetch(url: string, init?: RequestInit & {
        headers?: Record<string, string>;
    }, again?: boolean): Promise<Response>;
    /**
     * @param {string} method
     * @param {string} url
     * @param {{body?: object, headers?: Record<string, string>, signal?: AbortSignal}} [more]
     * @returns {Promise<any>} the JSON that is answered, null where there is none
     */
    call(method: string, url: string, { body, headers, signal }?: {
        body?: object;
        headers?: Record<string, string>;
        signal?: AbortSignal;
    }): Promise<any>;
    /** A page of history. @param {string} video @param {Record<string, string | number>} query @returns {Promise<Page>} */
    history(video: string, query?: Record<string, string | number>): Promise<Page>;
    /** @param {string} video */
    video(video: string): Promise<any>;
    /**
     * The part of a big video's viewers that this one belongs to, kept from the first answer on; undefined where they are one.
     * @param {string} video
     */
    shard(video: string): Promise<number | undefined>;
    /**
     * Do something to a comment.
     * @param {"delete" | "hide" | "restore" | "pin" | "unpin" | "report"} what
     * @param {string} video
     * @param {string} id
     */
    act(what: "delete" | "hide" | "restore" | "pin" | "unpin" | "report", video: string, id: string): Promise<any>;
}
/** @param {Record<string, string | number | undefined>} query what is empty is left out */
export declare function queryOf(query: Record<string, string | number | undefined>): URLSearchParams;

/**
 * Brings a token, or nothing for who is not signed in. `renew`: the last one was refused or has run out.
 * @typedef {(renew: boolean) => string | null | undefined | Promise<string | null | undefined>} GetToken
 */
export type GetToken = (renew: boolean) => string | null | undefined | Promise<string | null | undefined>;
/** One person's token: asked for when needed, kept while it lasts. */
export declare class Tokens {
    #private;
    get: GetToken | undefined;
    /** @type {Record<string, any>} what the token says; nothing here is proof of anything */
    claims: Record<string, any>;
    /** @param {GetToken} [get] */
    constructor(get?: GetToken);
    /** The token, "" when there is none. Rejects as `getToken` does. @returns {Promise<string>} */
    current(): Promise<string>;
    /** The next one is a new one. */
    forget(): void;
    /** @param {string} scope */
    may(scope: string): boolean;
}

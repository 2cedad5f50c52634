export declare const STRINGS: {
    comments: string;
    pinned: string;
    empty: string;
    earlier: string;
    newer: string;
    connecting: string;
    live: string;
    replay: string;
    ended: string;
    behind: string;
    offline: string;
    full: string;
    placeholder: string;
    send: string;
    left: string;
    over: string;
    signIn: string;
    sending: string;
    again: string;
    discard: string;
    delete: string;
    hide: string;
    pin: string;
    unpin: string;
    report: string;
    mute: string;
    tools: string;
    said: string;
    many: string;
    too_fast: string;
    unauthenticated: string;
    forbidden: string;
    unavailable: string;
    unreachable: string;
};
export type Strings = Partial<Record<keyof typeof STRINGS | (string & {}), string>>;
/** @typedef {Partial<Record<keyof typeof STRINGS | (string & {}), string>>} Strings */
export declare class Words {
    /** @type {Strings} */
    own: Strings;
    /** @param {string} name @param {Record<string, any>} [values] put where `{…}` stands */
    say(name: string, values?: Record<string, any>): string;
    /** Why something was refused, for a person. @param {import("./problem.js").Problem} problem */
    refusal({ code, status, message, extra, retryAfter }: import("./problem.js").Problem): string;
}

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
    again: string;
    discard: string;
    undo: string;
    delete: string;
    hide: string;
    pin: string;
    unpin: string;
    report: string;
    mute: string;
    deleteDone: string;
    hideDone: string;
    pinDone: string;
    unpinDone: string;
    reportDone: string;
    muteDone: string;
    tools: string;
    said: string;
    many: string;
    token_expired: string;
    not_yours: string;
    no_such_comment: string;
    no_such_video: string;
    text_empty: string;
    text_too_long: string;
    text_control_characters: string;
    too_large: string;
    address_rate: string;
    global_rate: string;
    unauthenticated: string;
    forbidden: string;
    too_fast: string;
    faulty: string;
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

/** @typedef {Record<string, string | number | boolean | EventListener | undefined>} Props */
export type Props = Record<string, string | number | boolean | EventListener | undefined>;
/**
 * A new element. `part` is its class too. Properties become properties where the element has them, else attributes; `on…` are listeners. Text is
 * only ever text.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Props} [props] @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export declare function make<T extends keyof HTMLElementTagNameMap>(tag: T, props?: Props, ...children: (Node | string)[]): HTMLElementTagNameMap[T];
/** @param {string} part @param {() => void} act @param {string} [words] */
export declare function button(part: string, act: () => void, words?: string): HTMLButtonElement;

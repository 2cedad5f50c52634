/** @typedef {Record<string, string | number | boolean | EventListener | undefined>} Props */

/**
 * A new element. `part` is its class too. Properties become properties where the element has them, else attributes; `on…` are listeners. Text is
 * only ever text.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Props} [props] @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "part") made.className = String(value);
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (name in made) Object.assign(made, { [name]: value });
    else if (value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/** @param {string} part @param {() => void} act @param {string} [words] */
export function button(part, act, words = "") {
  return make("button", { type: "button", part, onclick: act }, words);
}

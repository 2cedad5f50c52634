/** @typedef {Record<string, string | number | boolean | EventListener | undefined>} Props */

/**
 * A new element. Properties become properties where the element has them, else attributes; `on…` are listeners. Text is
 * only ever text.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Props} [props] @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (name in made) Object.assign(made, { [name]: value });
    else if (value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

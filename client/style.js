// The look. A page changes it by `::part(…)` and by the custom properties named --hubbub-….

const CSS = `
:host {
  --ink: light-dark(#1f1e1c, #e9e7e3); --muted: light-dark(#66635d, #a4a19b); --line: light-dark(#e0ded9, #2e3034);
  --sunken: light-dark(#f6f5f3, #202225); --bad: light-dark(#b3261e, #ff9b90);
  --accent: var(--hubbub-accent, light-dark(#0f766e, #5fd0c2)); --on-accent: var(--hubbub-on-accent, light-dark(#fff, #06231f));
  --surface: var(--hubbub-surface, light-dark(#fff, #18191b));
  display: flex; flex-direction: column; height: 30rem; overflow: hidden; background: var(--surface);
  color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; text-align: start;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; margin: 0; }
button, textarea { border: 1px solid var(--line); border-radius: .75rem; background: none; color: inherit; font: inherit; }
button { min-height: 1.75rem; padding: 0 .75rem; font-size: .8125rem; cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
ol { padding: .25rem 0; list-style: none; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.state, h2, .who, time, .note, .count { color: var(--muted); font-size: .8125rem; font-weight: 400; }
.status { display: flex; flex: none; align-items: center; gap: 1rem; min-height: 2.75rem; padding: 0 1rem; border-bottom: 1px solid var(--line); }
.state { flex: none; }
.notice { display: flex; align-items: center; gap: .5rem; min-width: 0; font-size: .8125rem; overflow-wrap: anywhere; }
.state::before { content: "● "; color: light-dark(#b45309, #f0b35f); }
.state[data-state=live]::before { color: var(--accent); }
.pins { flex: none; max-height: 30%; overflow-y: auto; border-bottom: 1px solid var(--line); background: var(--sunken); }
h2 { padding: .5rem 1rem 0; }
.feed { position: relative; display: flex; flex: 1; min-height: 0; }
.list { display: flex; flex: 1; flex-direction: column; min-width: 0; overflow: hidden auto; overscroll-behavior: contain;
  overflow-anchor: none; }
.list > ol { margin-top: auto; }
.empty { margin: auto; padding: 1rem; color: var(--muted); }
.earlier { align-self: center; margin: .5rem; }
li { position: relative; display: grid; grid-template-columns: 2rem minmax(0, 1fr); column-gap: .75rem; padding: .25rem 1rem; }
.avatar { grid-row: 1 / 4; width: 2rem; height: 2rem; margin-top: .125rem; overflow: hidden; border-radius: 50%;
  background: light-dark(oklch(91% .045 var(--hue)), oklch(36% .06 var(--hue)));
  color: light-dark(oklch(40% .09 var(--hue)), oklch(90% .06 var(--hue))); font-weight: 600; line-height: 2rem; text-align: center; }
.who { display: flex; align-items: baseline; gap: .5rem; min-width: 0; }
.who bdi { min-width: 2rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.author { color: light-dark(oklch(47% .12 var(--hue)), oklch(82% .12 var(--hue))); font-size: .875rem; font-weight: 600; }
.role { padding: 0 .375rem; border: 1px solid var(--line); border-radius: 1rem; }
time { flex: none; font-variant-numeric: tabular-nums; }
.text { grid-column: 2; max-height: 12lh; overflow: hidden; overflow-wrap: anywhere; white-space: pre-wrap; }
li:focus .text { max-height: none; }
.note { grid-column: 2; }
.note, .problem, .count[data-over] { color: var(--bad); }
.sending { opacity: .6; }
li:has(.tools), .tools button:hover { background: var(--sunken); }
.tools { position: absolute; top: -.75rem; inset-inline-end: .75rem; z-index: 1; display: flex; max-width: 90%; overflow: hidden;
  border: 1px solid var(--line); border-radius: .5rem; background: var(--surface); }
.tools button { overflow: hidden; border: 0; border-radius: 0; text-overflow: ellipsis; white-space: nowrap; }
.newer, .send { border: 0; background: var(--accent); color: var(--on-accent); font-weight: 600; }
.newer { position: absolute; bottom: .75rem; left: 50%; min-height: 2rem; border-radius: 1rem; translate: -50%; }
form { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .5rem; padding: .75rem 1rem; border-top: 1px solid var(--line); }
.problem { grid-column: 1 / 3; overflow-wrap: anywhere; }
:empty:is(.problem, .count) { display: none; }
textarea { max-height: 9rem; padding: .5rem .75rem; border-color: light-dark(#8d8a84, #74777d); field-sizing: content; resize: none; }
::placeholder { color: var(--muted); opacity: 1; }
.send { align-self: end; height: 2.5rem; padding: 0 1.25rem; font-size: 1rem; }
.count { text-align: end; }
.sign-in { padding: .75rem 1rem; border-top: 1px solid var(--line); }
@media (prefers-reduced-motion: no-preference) {
  .fresh { animation: come .18s; }
  @keyframes come { from { opacity: 0; } }
}
@media (pointer: coarse) { button { min-height: 2.5rem; } }
`;

/** @type {CSSStyleSheet | undefined} */
let sheet;

/** One for all elements of a page; a strict Content-Security-Policy allows it, unlike a style element. */
export function styleSheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}

// The look. A page changes it by `::part(…)` and by the custom properties named --hubbub-….

const CSS = `
:host { --ink: light-dark(rgb(31 30 28), rgb(233 231 227)); --muted: light-dark(rgb(102 99 93), rgb(164 161 155));
  --line: light-dark(rgb(224 222 217), rgb(46 48 52)); --field: light-dark(rgb(141 138 132), rgb(116 119 125));
  --sunken: light-dark(rgb(246 245 243), rgb(32 34 37)); --bad: light-dark(rgb(179 38 30), rgb(255 155 144));
  --accent: var(--hubbub-accent, light-dark(rgb(15 118 110), rgb(95 208 194)));
  --on-accent: var(--hubbub-on-accent, light-dark(white, rgb(6 35 31)));
  --surface: var(--hubbub-surface, light-dark(white, rgb(24 25 27)));
  display: flex; flex-direction: column; min-height: 12rem; height: 30rem; overflow: hidden; background: var(--surface);
  color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; text-align: start; }
:host([hidden]), [hidden] { display: none !important; }
*, ::before { box-sizing: border-box; margin: 0; }
ol { padding: .25rem 0; list-style: none; }
button, textarea { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.state { display: flex; align-items: center; gap: .5rem; padding: .5rem 1rem; color: var(--muted); font-size: .8125rem;
  border-bottom: 1px solid var(--line); }
.state::before { content: ""; width: .5rem; height: .5rem; border-radius: 50%; background: light-dark(rgb(180 83 9), rgb(240 179 95)); }
.state[data-state=live]::before { background: var(--accent); }
.pins { flex: none; max-height: 30%; overflow-y: auto; border-bottom: 1px solid var(--line); background: var(--sunken); }
.pins h2 { padding: .5rem 1rem 0; color: var(--muted); font-size: .75rem; font-weight: 600; }
.feed { position: relative; display: flex; flex: 1; min-height: 4rem; }
.log { display: flex; flex: 1; flex-direction: column; min-width: 0; overflow: hidden auto; overscroll-behavior: contain;
  overflow-anchor: none; }
.log > ol { margin-top: auto; }
.empty { margin: auto; padding: 1rem; color: var(--muted); text-align: center; }
.earlier { align-self: center; margin: .5rem; }
li { position: relative; display: grid; grid-template-columns: 2rem minmax(0, 1fr); column-gap: .75rem; padding: .25rem 1rem; }
.disc { grid-row: 1 / 4; display: grid; place-items: center; width: 2rem; height: 2rem; margin-top: .125rem; overflow: hidden;
  border-radius: 50%; background: light-dark(oklch(91% .045 var(--hue)), oklch(36% .06 var(--hue)));
  color: light-dark(oklch(40% .09 var(--hue)), oklch(90% .06 var(--hue))); font-size: .875rem; font-weight: 600; }
.who { display: flex; align-items: baseline; gap: .5rem; min-width: 0; font-size: .875rem; line-height: 1.35; }
.name, .role { min-width: 2rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.name { color: light-dark(oklch(47% .12 var(--hue)), oklch(82% .12 var(--hue))); font-weight: 600; }
.role { max-width: 7rem; padding: 0 .375rem; border: 1px solid var(--line); border-radius: 1rem; color: var(--muted);
  font-size: .75rem; }
time { flex: none; color: var(--muted); font-size: .8125rem; font-variant-numeric: tabular-nums; }
.said { grid-column: 2; max-height: 12lh; padding-bottom: .125rem; overflow: hidden; overflow-wrap: anywhere; white-space: pre-wrap; }
.note { grid-column: 2; display: flex; flex-wrap: wrap; align-items: baseline; gap: .5rem; font-size: .8125rem; color: var(--bad); }
.sending { opacity: .6; }
.tools { position: absolute; top: -.25rem; inset-inline-end: .75rem; z-index: 1; display: flex; max-width: calc(100% - 1.5rem);
  overflow: hidden; border: 1px solid var(--line); border-radius: .5rem; background: var(--surface); box-shadow: 0 1px 4px rgb(0 0 0 / 15%); }
.tools button { min-height: 1.75rem; padding: 0 .625rem; border: 0; background: none; color: var(--muted); font-size: .8125rem;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.tools button:hover { background: var(--sunken); color: var(--ink); }
li:focus .said { max-height: none; }
li:has(.tools) { background: var(--sunken); }
.plain { min-height: 1.75rem; padding: 0 .75rem; border: 1px solid var(--line); border-radius: 1rem; background: none; font-size: .8125rem; }
.newer { position: absolute; bottom: .75rem; left: 50%; translate: -50%; padding: .375rem 1rem; border: 0; border-radius: 2rem;
  background: var(--accent); box-shadow: 0 2px 8px rgb(0 0 0 / 25%); color: var(--on-accent); font-size: .875rem; font-weight: 600; }
form { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .5rem; padding: .75rem 1rem; border-top: 1px solid var(--line); }
.problem { grid-column: 1 / -1; color: var(--bad); font-size: .875rem; overflow-wrap: anywhere; }
.problem:empty, .count:empty { display: none; }
textarea { max-height: 9rem; padding: .5rem .75rem; border: 1px solid var(--field); border-radius: .75rem; background: none;
  field-sizing: content; resize: none; }
::placeholder { color: var(--muted); opacity: 1; }
.send { align-self: end; height: 2.5rem; padding: 0 1.25rem; border: 0; border-radius: .75rem; background: var(--accent);
  color: var(--on-accent); font-weight: 600; }
.count { grid-column: 1; color: var(--muted); font-size: .8125rem; text-align: end; }
.count[data-over] { color: var(--bad); }
.sign { padding: .75rem 1rem; border-top: 1px solid var(--line); color: var(--muted); }
@media (prefers-reduced-motion: no-preference) {
  .fresh { animation: come .18s ease-out; }
  @keyframes come { from { opacity: 0; translate: 0 .375rem; } }
}
@media (pointer: coarse) { .tools button, .plain { min-height: 2.5rem; } }
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

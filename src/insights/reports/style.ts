/** Everything that a page looks like. It is the only style that its policy lets in: markup has no `style` attributes. */
export const STYLE = `
:root { color-scheme: light dark;
  --paper: #fbfaf7; --ink: #1d2321; --soft: #5c6562; --rule: #e3e1da; --band: #eceae3;
  --main: #1f6f54; --second: #c9a24b; --warn: #a3431f; --warn-paper: #f7ece4; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #15191a; --ink: #e8e8e2; --soft: #9aa39f; --rule: #2b3231; --band: #20262699;
  --main: #5cb894; --second: #d8b566; --warn: #f0a07a; --warn-paper: #2d221c; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums lining-nums; overflow-wrap: break-word; }
main { max-width: 44rem; margin: 0 auto; }
header { margin: 0 0 2rem; }
.kicker { margin: 0 0 .35rem; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: clamp(1.6rem, 1.2rem + 2.2vw, 2.25rem); line-height: 1.15; font-weight: 650; letter-spacing: -.015em; text-wrap: balance; }
h2 { margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: 1.2rem; line-height: 1.3; font-weight: 650; letter-spacing: -.005em; }
h3 { margin: 1.9rem 0 .5rem; font-size: 1rem; line-height: 1.4; font-weight: 600; }
p { margin: 0 0 .75rem; max-width: 38rem; }
.soft { color: var(--soft); font-size: .875rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1.25rem 1.5rem; margin: 0 0 1.5rem; }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; border-top: 2px solid var(--ink); padding-top: .35rem; }
.figures dt { color: var(--soft); font-size: .875rem; line-height: 1.35; }
.figures dd { margin: 0; font-size: 1.75rem; line-height: 1.25; font-weight: 600; letter-spacing: -.02em; white-space: nowrap; }
.figures dd small { font-size: 1rem; font-weight: 500; letter-spacing: 0; color: var(--soft); }
.warn { margin: 0 0 1.25rem; padding: .75rem 1rem; border-left: 3px solid var(--warn); background: var(--warn-paper); }
.warn p:last-child { margin: 0; }
figure { margin: 0 0 .25rem; }
svg { display: block; width: 100%; overflow: visible; }
.grid { stroke: var(--rule); stroke-width: 1; }
.base { stroke: var(--soft); stroke-width: 1; }
.bar { fill: var(--main); }
.bar2 { fill: var(--second); }
.unknown { fill: var(--band); }
.hatch { stroke: var(--soft); stroke-width: 1; opacity: .45; }
svg text { fill: var(--soft); font-size: 12px; font-family: inherit; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .25rem 0 .5rem; padding: 0; list-style: none; color: var(--soft); font-size: .875rem; }
.legend svg { display: inline-block; width: 14px; height: 12px; margin-right: .4rem; vertical-align: -1px; }
table { width: 100%; border-collapse: collapse; margin: .25rem 0 1rem; font-size: .9375rem; line-height: 1.4; }
caption { text-align: left; color: var(--soft); font-size: .875rem; padding: 0 0 .35rem; }
th, td { padding: .4rem 0 .4rem 1rem; text-align: right; vertical-align: baseline; border-bottom: 1px solid var(--rule); white-space: nowrap; font-weight: 400; }
thead th { color: var(--soft); font-size: .8125rem; vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child { padding-left: 0; text-align: left; white-space: normal; overflow-wrap: anywhere; }
td.left, th.left { text-align: left; white-space: normal; overflow-wrap: anywhere; }
td svg { min-width: 3.5rem; }
td.meter { width: 34%; }
td small, th small { display: block; color: var(--soft); font-size: .8125rem; }
details { margin: .25rem 0 1rem; }
summary { cursor: pointer; color: var(--soft); font-size: .875rem; padding: .3rem 0; }
summary:focus-visible { outline: 2px solid var(--main); outline-offset: 2px; }
ul.plain { margin: 0 0 1rem; padding: 0; list-style: none; }
ul.plain li { padding: .45rem 0; border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
@media (max-width: 30rem) {
  body { padding: 1.5rem 1rem 3rem; }
  .figures { grid-template-columns: repeat(2, 1fr); gap: 1rem; }
  .figures dd { font-size: 1.45rem; }
  .wide { display: none; }
  td.meter { width: 26%; }
  th, td { padding-left: .65rem; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --rule: #ccc; --band: #eee; --main: #1f6f54; --second: #c9a24b; --warn: #8a2f0f; --warn-paper: #fff; }
  body { padding: 0; font-size: 10.5pt; }
  main { max-width: none; }
  svg, .figures div, .bar, .bar2, .unknown { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2, h3 { break-after: avoid; }
  figure, tr, li { break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
  summary { display: none; }
  th, td { padding-top: .15rem; padding-bottom: .15rem; }
}
`;

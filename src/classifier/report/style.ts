import { Html } from "./html.ts"

/** The page's one style sheet. Colours keep a contrast of 4.5 to their ground in both schemes. */
export const STYLE = new Html(`
:root {
  color-scheme: light dark;
  --ground: #ffffff; --panel: #f5f6f4; --ink: #1d2320; --quiet: #5a645f; --line: #dde1dd;
  --training: #1f6fb2; --validation: #b4531a; --right: 22 110 74; --wrong: 168 50 38; --warn: #8a5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #141816; --panel: #1d2320; --ink: #e8ece9; --quiet: #a2aca6; --line: #343c38;
    --training: #6db3ee; --validation: #f0995c; --right: 76 180 130; --wrong: 228 110 96; --warn: #e2b35c;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
p { margin: .5rem 0; max-width: 44rem; }
.quiet, .tick { color: var(--quiet); }
.figures { display: flex; flex-wrap: wrap; gap: .75rem; padding: 0; margin: 1.25rem 0 0; list-style: none; }
.figures li { flex: 1 1 8rem; background: var(--panel); border-radius: .5rem; padding: .75rem 1rem; }
.figures strong { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.notes { border-left: 4px solid var(--warn); background: var(--panel); border-radius: 0 .5rem .5rem 0; padding: .75rem 1rem .75rem 2rem; margin: 1.25rem 0; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; }
figcaption { font-weight: 600; }
svg { display: block; width: 100%; height: auto; margin-top: .25rem; }
.grid { stroke: var(--line); }
.tick { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
.best { stroke: var(--quiet); stroke-dasharray: 3 3; }
g.training, .legend .training { --own: var(--training); }
g.validation, .legend .validation { --own: var(--validation); }
polyline { fill: none; stroke: var(--own); stroke-width: 2; stroke-linejoin: round; }
g.validation polyline { stroke-dasharray: 6 3; }
circle { fill: var(--own); opacity: 0; }
circle:hover { opacity: 1; }
.legend { font-weight: 400; margin-left: .5rem; white-space: nowrap; }
.legend span { color: var(--own); margin-right: .5rem; }
.legend span::before { content: ""; display: inline-block; width: 1.1rem; border-top: 2px solid; margin-right: .35rem; vertical-align: .3em; }
.legend .validation::before { border-top-style: dashed; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { font-weight: 600; text-align: left; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; }
td.name { overflow-wrap: anywhere; }
.wide { width: 100%; }
.bar { display: flex; align-items: center; gap: .5rem; min-width: 5.5rem; }
.bar::before { content: ""; flex: 0 0 auto; height: .6rem; width: calc((100% - 3rem) * var(--share)); min-width: 1px; background: var(--training); border-radius: 2px; }
.mark { stroke: var(--ground); stroke-width: .6; }
.mark-0 { fill: light-dark(#0072b2, #3f8fd2); } .mark-1 { fill: #e69f00; } .mark-2 { fill: #009e73; }
.mark-3 { fill: #cc79a7; } .mark-4 { fill: #56b4e9; } .mark-5 { fill: #d55e00; } .grey { fill: #8a938e; }
.map { background: var(--panel); border-radius: .5rem; }
.marks { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: .5rem 0; list-style: none; }
.marks svg { display: inline-block; width: .9rem; height: .9rem; margin: 0 .35rem 0 0; vertical-align: -.1em; }
.matrix th, .matrix td { border: 1px solid var(--line); padding: .4rem .6rem; text-align: center; min-width: 3rem; }
.matrix th[scope=row] { text-align: left; }
.matrix td { background: rgb(var(--tone) / calc(var(--share) * .55)); }
.matrix .right { --tone: var(--right); }
.matrix .wrong { --tone: var(--wrong); }
.matrix .nothing { color: var(--quiet); }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .35rem 1rem; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
summary { cursor: pointer; padding: .5rem 0; }
@media (max-width: 30rem) {
  th, td { padding-right: .5rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
  .scores { font-size: .875rem; }
  .scores th[scope=row] { overflow-wrap: anywhere; }
  .bar { min-width: 0; }
  .bar::before { display: none; }
  .matrix th, .matrix td { min-width: 2.2rem; padding: .4rem; }
  .matrix thead span { writing-mode: vertical-rl; rotate: 180deg; }
  .matrix thead th { vertical-align: bottom; }
  .worst tr { display: grid; grid-template-columns: 1fr 1fr 7rem; border-bottom: 1px solid var(--line); }
  .worst th, .worst td { border: 0; }
  .worst tr > :first-child { grid-column: 1 / -1; }
  .worst td.name { padding-bottom: 0; }
}
`)

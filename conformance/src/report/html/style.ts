/** The look of the HTML report: no font, picture or script from elsewhere; light and dark by the reader's setting. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #fff; --panel: #f6f7f9; --text: #1c2024; --dim: #5a6169; --line: #d5d9de;
  --link: #0b5cad; --good: #136c43; --bad: #b42318; --warn: #8a5a00; --good-ground: #e6f4ec; --bad-ground: #fdecea; --warn-ground: #fdf3dc;
  --f0: #dbeafe; --f1: #dcf3e2; --f2: #fce8c8; --f3: #efe0fb; --f4: #fadce6; --f5: #d5f0f2; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --panel: #1d2125; --text: #e6e9ec; --dim: #a3abb3; --line: #3a4148;
  --link: #79b8ff; --good: #5bd69a; --bad: #ff8f85; --warn: #f2c063; --good-ground: #15352a; --bad-ground: #451f1d; --warn-ground: #3d3013;
  --f0: #1e3a5f; --f1: #1d4430; --f2: #51391a; --f3: #402a58; --f4: #552a3a; --f5: #19444a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.25rem; margin: 1rem 0 .5rem; } h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
h1, h2, bdi { overflow-wrap: anywhere; }
a { color: var(--link); }
code, pre, .dump { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { overflow-wrap: anywhere; font-size: .9em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
article:focus { outline: none; }
.dim { color: var(--dim); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--ground); padding: .5rem; }
.chip { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; font-size: .875rem; font-weight: 600; background: var(--panel); color: var(--dim); }
.chip.passed { background: var(--good-ground); color: var(--good); } .chip.failed { background: var(--bad-ground); color: var(--bad); }
.chip.known, .chip.warned, .chip.unknown { background: var(--warn-ground); color: var(--warn); }
.agents { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: .75rem; padding: 0; margin: 1rem 0 1.5rem; list-style: none; }
.agents > li { border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem; background: var(--panel); min-width: 0; }
.agents h2 { margin: 0 0 .25rem; font-size: 1.0625rem; } .agents p { margin: .25rem 0 0; font-size: .875rem; }
.contradictions { margin: .5rem 0 0; font-size: .875rem; } .contradictions ul { margin: .25rem 0 0; padding-left: 1.25rem; }
.trouble { border-left: 4px solid var(--bad); padding: .5rem .75rem; background: var(--bad-ground); overflow-wrap: anywhere; }
.tools { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; margin: 0 0 .75rem; }
.tools[hidden] { display: none; }
.tools input[type=search] { font: inherit; padding: .25rem .5rem; border: 1px solid var(--line); border-radius: 6px; background: var(--ground); color: inherit; width: min(22rem, 100%); }
.scroll { position: relative; overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
.matrix { border-collapse: separate; border-spacing: 0; width: 100%; }
.matrix th, .matrix td { padding: .3rem .75rem; box-shadow: inset 0 -1px 0 var(--line); text-align: left; vertical-align: top; font-weight: inherit; }
.matrix thead th { background: var(--panel); font-weight: 600; min-width: 8rem; max-width: 14rem; overflow-wrap: anywhere; }
.matrix th:first-child { position: sticky; left: 0; z-index: 1; background: var(--ground); min-width: 13rem; max-width: 20rem; overflow-wrap: anywhere; }
.matrix thead th:first-child { background: var(--panel); }
.matrix .profile > * { background: var(--panel) !important; font-weight: 600; } .matrix .profile th { font-size: 1.0625rem; }
.matrix .family th { padding-left: .5rem; } .matrix .vector th { padding-left: 2.25rem; font-size: .9375rem; }
.matrix button { font: inherit; color: inherit; background: none; border: 0; padding: .1rem .25rem; text-align: left; cursor: pointer; }
.matrix button::before { content: "▸"; display: inline-block; width: 1.25rem; color: var(--dim); } .matrix button[aria-expanded=true]::before { content: "▾"; }
.matrix td a, .matrix td > span { display: inline-block; white-space: nowrap; padding: 0 .4rem; border-radius: 4px; }
.matrix .passed { color: var(--good); } .matrix .failed { color: var(--bad); background: var(--bad-ground); font-weight: 600; }
.matrix .known, .matrix .warned, .matrix .unknown { color: var(--warn); background: var(--warn-ground); } .matrix .declined, .matrix .absent { color: var(--dim); }
.matrix small { color: var(--dim); font-weight: 400; white-space: nowrap; }
article.page { display: none; scroll-margin-top: 3rem; } article.page:target { display: block; } body:has(article.page:target) main { display: none; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.problem { font-size: 1.0625rem; border-left: 4px solid var(--bad); padding: .25rem .75rem; margin: .75rem 0; }
dl { margin: 0; } dl > div { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 0 .75rem; padding: .25rem 0; } dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
.repeat { display: flex; flex-wrap: wrap; gap: .5rem; align-items: start; } .repeat code { flex: 1 1 16rem; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .4rem .6rem; }
.repeat button { font: inherit; padding: .25rem .75rem; border: 1px solid var(--line); border-radius: 6px; background: var(--panel); color: inherit; cursor: pointer; } .repeat button[hidden] { display: none; }
pre { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--panel); padding: .75rem; font-size: .8125rem; line-height: 1.4; }
.dump { border-collapse: collapse; font-size: .875rem; margin: 0 0 .5rem; } .dump caption { text-align: left; color: var(--dim); font-family: system-ui, "DejaVu Sans", sans-serif; padding-bottom: .25rem; }
.dump th, .dump td { padding: .1rem .9rem .1rem 0; text-align: left; vertical-align: top; font-weight: 400; } .dump th { color: var(--dim); }
.dump .hex, .dump .ascii { white-space: pre; } .dump .ascii { color: var(--dim); } .dump .hex > span { padding: .1rem .15rem; border-radius: 3px; } .dump .fields { font-family: system-ui, "DejaVu Sans", sans-serif; }
.f0 { background: var(--f0); } .f1 { background: var(--f1); } .f2 { background: var(--f2); } .f3 { background: var(--f3); } .f4 { background: var(--f4); } .f5 { background: var(--f5); }
.dump .differs { outline: 2px solid var(--bad); }
.field { margin-right: .75rem; white-space: nowrap; } .swatch { display: inline-block; width: .75rem; height: .75rem; margin-right: .3rem; border: 1px solid var(--line); border-radius: 2px; }
.dump .hex > .edge, .edge { display: inline-block; width: 4px; height: 1.25em; margin: 0 4px; padding: 0; vertical-align: -0.25em; border-radius: 1px; background: var(--text); } .dump .hex > .edge.good, .edge.good { background: var(--good); }
.steps { list-style: none; padding: 0; margin: 0; } .steps li { display: grid; grid-template-columns: minmax(12rem, 1fr) 3fr; gap: 0 1rem; padding: .3rem .75rem; border-left: 3px solid var(--line); margin-bottom: .25rem; } .steps li.here { border-color: var(--bad); background: var(--panel); }
.steps p { margin: 0; grid-row: span 2; } .steps li.dim { display: block; } .steps div { grid-column: 2; display: grid; grid-template-columns: 5.5rem minmax(0, 1fr); gap: .5rem; } .steps .agreed { color: var(--dim); } .steps .expected span { color: var(--good); } .steps .actual span { color: var(--bad); }
footer { margin-top: 2rem; font-size: .875rem; color: var(--dim); }
@media (max-width: 40rem) { body { padding: 1rem .75rem 3rem; } .matrix th, .matrix td { padding: .3rem .4rem; } .matrix th:first-child { min-width: 7.5rem; max-width: 9rem; font-size: .875rem; } .matrix .vector th { padding-left: 1.9rem; }
  .matrix thead th { min-width: 6.5rem; } .steps li { display: block; } dl > div { grid-template-columns: minmax(0, 1fr); } .dump { font-size: .8125rem; } .dump tr { display: grid; grid-template-columns: auto auto 1fr; column-gap: .6rem; } .dump th, .dump td { padding-right: 0; }
  .dump .fields { grid-column: 2 / -1; } .dump td[colspan] { grid-column: 2 / -1; } .dump .hex > span { padding-inline: 0; } .dump .hex > .edge { margin: 0 2px; } }
@media print { .tools { display: none; } article.page { display: block; break-before: page; } body main { display: block !important; } }
`;

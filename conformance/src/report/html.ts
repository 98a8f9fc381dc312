import { count, VERDICTS } from "../verdict.ts";
import { failurePage } from "./failure-page.ts";
import { paint } from "./paint.ts";
import { failuresOf, profilesOf, type Report } from "./report.ts";

const STYLE = `
  :root { color-scheme: light dark; --good: #18794e; --bad: #cd2b31; --line: #8885; }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
  table { border-collapse: collapse; } th, td { padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: right; }
  th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
  .conformant { color: var(--good); } .not-conformant { color: var(--bad); }
  pre { overflow-x: auto; border: 1px solid var(--line); border-radius: 4px; padding: .75rem; font-size: 13px; line-height: 1.35; }
  summary { cursor: pointer; } summary b { color: var(--bad); }`;

const text = (content: string) => Bun.escapeHTML(content);

/** One page that needs nothing else: the table by profile, then a failure page for each failing vector. */
export function html(report: Report): string {
  const counts = count(report.outcomes);
  const columns = VERDICTS.filter((verdict) => verdict === "pass" || counts[verdict] > 0);
  const rows = profilesOf(report).map(({ profile, word, counts, notRun }) => {
    const cells = columns.map((column) => `<td>${counts[column]}</td>`).join("");
    const mark = word.replaceAll(" ", "-");
    return `<tr><td>${text(profile)}</td><td class="${mark}">${word}</td>${cells}<td>${notRun}</td></tr>`;
  });
  const { iut, corpus, seed, seconds, way, command, exit, trouble, record } = report;
  const who = iut === undefined ? "no IUT" : `${iut.name} ${iut.version} (${iut.language})`;
  const pages = failuresOf(report).map((failure) => {
    const { verdict, id } = failure.first;
    const page = failurePage(failure, report, paint(false)).join("\n");
    const more = failure.more === 0 ? "" : ` and ${failure.more} more`;
    return `<details><summary><b>${verdict}</b> ${text(id)}${more}</summary><pre>${text(page)}</pre></details>`;
  });
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(who)}: conformance</title>
<style>${STYLE}
</style></head>
<body>
<h1>${text(who)}</h1>
<p>${text(way)} · ${report.outcomes.length} cases in ${seconds.toFixed(1)} s · exit ${exit} · seed ${text(seed)}<br>
corpus ${text(corpus.hash)}<br><code>${text(command)}</code></p>
${trouble === undefined ? "" : `<h2>Trouble</h2>\n<pre>${text([trouble, ...record].join("\n"))}</pre>`}
<h2>Profiles</h2>
<table>
<tr><th>profile</th><th>verdict</th>${columns.map((column) => `<th>${column}</th>`).join("")}<th>not run</th></tr>
${rows.join("\n")}
</table>
<h2>Failures</h2>
${pages.join("\n") || "<p>None.</p>"}
</body>
</html>
`;
}

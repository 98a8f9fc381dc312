import type { Failure, FailureStep } from "../failure.ts";
import { dump } from "./dump.ts";
import { h, type Markup } from "./markup.ts";

export interface ArticleLinks {
  readonly anchor: string;
  /** The cell of the matrix that leads here. */
  readonly cell: string;
  readonly previous: string | undefined;
  readonly next: string | undefined;
  readonly iut: string;
}

/** The page of one failing cell: what, why, the bytes, both event lists, the last good point, how to repeat it. */
export function failureArticle(failure: Failure, { anchor, cell, previous, next, iut }: ArticleLinks): Markup {
  const { id, verdict, more, problem, text, why, rules, sibling, repeat, record } = failure;
  return h`<article class="page" id="${anchor}" tabindex="-1" aria-labelledby="${anchor}-title">
<nav><a href="#${cell}" data-key="Escape">← Matrix</a>${previous !== undefined && h`<a href="#${previous}" data-key="p">Previous failure</a>`}${next !== undefined && h`<a href="#${next}" data-key="n">Next failure</a>`}</nav>
<h2 id="${anchor}-title"><bdi>${id}</bdi></h2>
<p><span class="chip ${verdict === "known-fail" ? "known" : verdict === "warn" ? "warned" : "failed"}">${verdict}</span> <bdi>${iut}</bdi>${more > 0 && ` · and ${more} more of this vector`}</p>
${problem !== undefined && h`<p class="problem"><bdi>${problem}</bdi></p>`}
<dl>
${item("Why", why)}${item(verdict === "fixed" || verdict === "known-fail" ? "Baseline" : "Said", text)}
${rules.length > 0 && h`<div><dt>Rules</dt><dd>${rules.map((rule) => h`<code>r[${rule}]</code> `)}</dd></div>`}
${sibling !== undefined && h`<div><dt>Sibling</dt><dd><code>${sibling}</code> is its accepted neighbour</dd></div>`}
${item("Omitted", failure.omitted)}${item("Limits", limitsOf(failure))}${item("Good until", goodOf(failure))}
<div><dt>Repeat</dt><dd class="repeat"><code>${repeat}</code><button type="button" data-copy hidden>Copy</button></dd></div>
</dl>
${bytesOf(failure)}
${stepsOf(failure)}
${record !== undefined && h`<h3>The link, its last lines</h3><pre tabindex="0">${record.join("\n")}</pre>`}
</article>
`;
}

const item = (name: string, value: string | undefined) =>
  value !== undefined && value !== "" && h`<div><dt>${name}</dt><dd><bdi>${value}</bdi></dd></div>`;

const limitsOf = ({ limits = {} }: Failure) =>
  Object.entries(limits)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");

function goodOf({ step, good, stream }: Failure): string | undefined {
  if (step === undefined) return undefined;
  if (good === undefined) return "nothing: the first step already differs";
  const where = stream === undefined ? "" : `, byte ${good.position} of the stream`;
  return `step ${good.step}${where}; ${good.events === 1 ? "1 event" : `${good.events} events`} agreed until there`;
}

function bytesOf({ stream, marks, good, step, steps, encoded }: Failure): Markup | undefined {
  if (encoded !== undefined) return encodedBytes(encoded);
  if (stream === undefined) return undefined;
  const { hex, total, cuts, connections } = stream;
  const reads = cuts.length + 1;
  const beside = connections === undefined ? "" : ` of ${connections} connections, one behind the other`;
  const caption = `${total} bytes in ${reads === 1 ? "1 read" : `${reads} reads`}${beside}`;
  const focus = steps.find(({ index }) => index === step)?.position ?? 0;
  return h`<h3>Bytes</h3>
${dump(Buffer.from(hex, "hex"), { caption, total, cuts, marks, focus, ...(good && { good: good.position }) })}
<p class="dim legend"><span class="edge"></span> a read ends${good !== undefined && h` &ensp; <span class="edge good"></span> all agreed until here`}</p>`;
}

function encodedBytes({ expected, actual }: { readonly expected: string; readonly actual: string }): Markup {
  const [want, got] = [Buffer.from(expected, "hex"), Buffer.from(actual, "hex")];
  const found = want.findIndex((byte, at) => byte !== got[at]);
  const differs = found === -1 ? want.length : found;
  const common = { focus: differs, differs, rows: 12 };
  return h`<h3>Bytes</h3>
<p>The first difference is at byte ${differs}.</p>
${dump(want, { ...common, caption: `expected, ${want.length} bytes` })}
${dump(got, { ...common, caption: `actual, ${got.length} bytes` })}`;
}

function stepsOf({ steps, step, stepsInAll }: Failure): Markup | undefined {
  if (steps.length === 0) return undefined;
  const before = steps[0]?.index ?? 0;
  const after = stepsInAll - before - steps.length;
  const note = (count: number, where: string) => count > 0 && h`<li class="dim">… ${count} steps ${where}</li>`;
  return h`<h3>Steps</h3>
<ol class="steps">${note(before, "before")}${steps.map((each) => stepOf(each, each.index === step))}${note(after, "more")}</ol>`;
}

function stepOf({ index, sent, position, agreed, expected, actual }: FailureStep, here: boolean): Markup {
  const answers = agreed
    ? h`<div class="agreed"><span>agreed</span><code>${expected}</code></div>`
    : h`<div class="expected"><span>expected</span><code>${expected}</code></div><div class="actual"><span>actual</span><code>${actual}</code></div>`;
  return h`<li${here && h` class="here" aria-current="step"`}><p><b>Step ${index}</b> <bdi>${sent}</bdi>${position > 0 && h` <span class="dim">→ ${position}</span>`}</p>${answers}</li>
`;
}

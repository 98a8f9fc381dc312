import { describeContradiction } from "../contradictions.ts";
import { count, type Outcome, type Verdict } from "../verdict.ts";
import { failurePage } from "./failure-page.ts";
import { paint } from "./paint.ts";
import { failuresOf, notRunText, profilesOf, type Report } from "./report.ts";

/** What XML 1.0 cannot hold at all, escaped or not: most control characters, lone surrogates, two non-characters. */
const allowed = (character: string) => {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return code === 0x09 || code === 0x0a || code === 0x0d;
  return !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff;
};

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
};

const xml = (text: string) =>
  Array.from(text, (character) => (allowed(character) ? (ESCAPES[character] ?? character) : "\ufffd")).join("");

/** JUnit XML, a suite for each profile. A case that did not apply or was declined is skipped; a trouble is a suite of its own. */
export function junit(report: Report): string {
  const paged = new Set(failuresOf(report).map(({ first }) => first));
  const name = xml(report.iut === undefined ? "tensorwire conformance" : `tensorwire conformance: ${report.iut.name}`);
  const suites = profilesOf(report).map(({ profile, notRun }) => {
    const outcomes = report.outcomes.filter((outcome) => outcome.profile === profile);
    const cases = outcomes.map((outcome) => testcase(outcome, paged.has(outcome) ? report : undefined));
    const told = contradictions(report, profile);
    return suite(profile, [...cases, ...leftOut(profile, notRun), ...told], numbersOf(outcomes, notRun > 0 ? 1 : 0));
  });
  if (report.baseline.length > 0) {
    const entries = report.baseline.map(
      ({ kind, entry, text }) =>
        `    <testcase name="${xml(entry.pattern)}" classname="baseline"><failure type="${kind}" message="${xml(text)}">${xml(text)}</failure></testcase>`,
    );
    const numbers = `tests="${entries.length}" failures="${entries.length}" errors="0" skipped="0"`;
    suites.push(`  <testsuite name="baseline" ${numbers}>\n${entries.join("\n")}\n  </testsuite>`);
  }
  if (report.trouble !== undefined) {
    const body = `<error message="${xml(report.trouble)}">${xml(report.record.join("\n"))}</error>`;
    suites.push(`  <testsuite name="link" tests="1" errors="1" failures="0" skipped="0">
    <testcase name="link" classname="link">${body}</testcase>
  </testsuite>`);
  }
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="${name}" ${totals(report)} time="${report.seconds.toFixed(3)}">
${suites.join("\n")}
</testsuites>
`;
}

/** They change no verdict, so that none is a test: what the suite has printed is where JUnit has room for them. r[iut.contradiction.shown] */
function contradictions(report: Report, profile: string): string[] {
  const of = report.contradictions.filter((one) => one.profile === profile);
  const lines = of.map((one) => `contradiction: ${describeContradiction(one)}\n`);
  return of.length === 0 ? [] : [`    <system-out>${xml(lines.join(""))}</system-out>`];
}

/** What the baseline does not keep to fails in a suite of its own; a trouble is an error in one. */
function totals({ outcomes, notRun, trouble, baseline }: Report): string {
  const { tests, failures, errors, skipped } = numbersOf(outcomes, notRun.size);
  const more = trouble === undefined ? 0 : 1;
  const all = tests + baseline.length + more;
  return `tests="${all}" failures="${failures + baseline.length}" errors="${errors + more}" skipped="${skipped}"`;
}

interface Numbers {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
}

/** `left`: profiles with cases that were not run. */
function numbersOf(outcomes: readonly Outcome[], left: number): Numbers {
  const counts = count(outcomes);
  const failures = counts.fail + counts.disagreement + counts.fixed + left;
  const errors = counts.crash + counts.timeout + counts["adapter error"] + counts["harness error"];
  const skipped = counts.declined + counts["not applicable"] + counts["known-fail"];
  return { tests: outcomes.length + left, failures, errors, skipped };
}

/** Nobody can pass what was never asked: one failure for all the cases of a profile that were left. */
function leftOut(profile: string, notRun: number): string[] {
  if (notRun === 0) return [];
  const text = notRunText(notRun);
  return [
    `    <testcase name="not run" classname="${xml(profile)}"><failure type="not run" message="${text}">${text}</failure></testcase>`,
  ];
}

function suite(profile: string, cases: readonly string[], { tests, failures, errors, skipped }: Numbers): string {
  const numbers = `tests="${tests}" failures="${failures}" errors="${errors}" skipped="${skipped}"`;
  return `  <testsuite name="${xml(profile)}" ${numbers}>
${cases.join("\n")}
  </testsuite>`;
}

/** What is wrong with the IUT as it was judged; the other failures are errors, in which nothing could be judged. */
const FAILURES: ReadonlySet<Verdict> = new Set(["fail", "disagreement", "fixed"]);

/** With a report: its failure page too. Of a vector that fails in many sweeps one page is enough. */
function testcase(outcome: Outcome, report: Report | undefined): string {
  const { id, profile, verdict, text = "", difference } = outcome;
  const open = `    <testcase name="${xml(id)}" classname="${xml(profile)}"`;
  const message = xml(difference?.problem ?? text);
  switch (verdict) {
    case "pass":
    case "warn":
      return `${open}/>`;
    case "declined":
    case "not applicable":
    case "known-fail":
      return `${open}><skipped message="${xml(`${verdict}: ${text}`)}"/></testcase>`;
    default: {
      const element = FAILURES.has(verdict) ? "failure" : "error";
      // Some readers show the body and never the message.
      const page =
        report === undefined
          ? [difference?.problem ?? text]
          : failurePage({ first: outcome, more: 0 }, report, paint(false));
      return `${open}><${element} type="${verdict}" message="${message}">${xml(page.join("\n"))}</${element}></testcase>`;
    }
  }
}

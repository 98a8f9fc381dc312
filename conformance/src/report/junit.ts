import { count, type Outcome } from "../verdict.ts";
import { failurePage } from "./failure-page.ts";
import { paint } from "./paint.ts";
import { failuresOf, profilesOf, type Report } from "./report.ts";

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
  const suites = profilesOf(report).map(({ profile }) => {
    const outcomes = report.outcomes.filter((outcome) => outcome.profile === profile);
    return suite(
      profile,
      outcomes.map((outcome) => testcase(outcome, paged.has(outcome) ? report : undefined)),
      outcomes,
    );
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

/** What the baseline does not keep to fails in a suite of its own; a trouble is an error in one. */
function totals({ outcomes, trouble, baseline }: Report): string {
  const { tests, failures, errors, skipped } = numbersOf(outcomes);
  const more = trouble === undefined ? 0 : 1;
  const all = tests + baseline.length + more;
  return `tests="${all}" failures="${failures + baseline.length}" errors="${errors + more}" skipped="${skipped}"`;
}

function numbersOf(outcomes: readonly Outcome[]) {
  const counts = count(outcomes);
  const failed = counts.fail + counts.fixed;
  const errors = counts.crash + counts.timeout + counts["adapter error"] + counts["harness error"];
  const skipped = counts.declined + counts["not applicable"] + counts["known-fail"];
  return { tests: outcomes.length, failures: failed, errors, skipped };
}

function suite(profile: string, cases: readonly string[], outcomes: readonly Outcome[]): string {
  const { tests, failures, errors, skipped } = numbersOf(outcomes);
  const numbers = `tests="${tests}" failures="${failures}" errors="${errors}" skipped="${skipped}"`;
  return `  <testsuite name="${xml(profile)}" ${numbers}>
${cases.join("\n")}
  </testsuite>`;
}

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
      const element = verdict === "fail" || verdict === "fixed" ? "failure" : "error";
      // Some readers show the body and never the message.
      const page =
        report === undefined
          ? [difference?.problem ?? text]
          : failurePage({ first: outcome, more: 0 }, report, paint(false));
      return `${open}><${element} type="${verdict}" message="${message}">${xml(page.join("\n"))}</${element}></testcase>`;
    }
  }
}

import { describeContradiction } from "../contradictions.ts";
import { type Counts, count, EXIT, type Verdict, type Word } from "../verdict.ts";
import { iutName } from "./describe.ts";
import { endingOf } from "./endings.ts";
import { failurePage } from "./failure-page.ts";
import type { Paint } from "./paint.ts";
import { probesOf } from "./probes.ts";
import { failuresOf, profilesOf, type Report, strandedOf, unwatchedOf } from "./report.ts";

/** Failure pages on a terminal; the JSON and HTML reports have all. */
const PAGES = 10;

/** Columns that are shown when at least one profile has one. */
const COLUMNS: readonly Verdict[] = [
  "pass",
  "fail",
  "disagreement",
  "crash",
  "timeout",
  "warn",
  "known-fail",
  "fixed",
  "adapter error",
  "harness error",
  "declined",
  "not applicable",
];

const grouped = (value: number) => value.toLocaleString("en-US");

/** The report for people: failure pages first, so that the summary is what stays on the screen. */
export function summary(report: Report, paint: Paint): string {
  const failures = failuresOf(report);
  const lines: string[] = [];
  for (const failure of failures.slice(0, PAGES)) lines.push(...failurePage(failure, report, paint), "");
  if (failures.length > PAGES) {
    lines.push(
      `${grouped(failures.length - PAGES)} more vectors failed; --html FILE and --json FILE have them all`,
      "",
    );
  }
  if (report.trouble !== undefined) {
    lines.push(paint.bad(report.trouble));
    if (report.record.length > 0) lines.push("the link, as recorded:", ...report.record.map((line) => `  ${line}`));
    lines.push("");
  }
  lines.push(...header(report), "", ...table(report, paint), ...probes(report, paint), ...ranks(report, paint));
  const unwatched = unwatchedOf(report);
  if (unwatched.length > 0) lines.push(...unwatched, "");
  lines.push(...contradictions(report, paint));
  for (const { kind, entry, text } of report.baseline) {
    const reason = entry.reason === "" ? "" : ` (${entry.reason})`;
    lines.push(paint.bad(`baseline, ${kind}: ${entry.pattern}: ${text}${reason}`));
  }
  lines.push(...totals(report, paint));
  return `${lines.join("\n")}\n`;
}

function header({ iut, way, links, corpus, seed, granularity, restarts, notes }: Report): string[] {
  const who = iut === undefined ? "no IUT" : iutName(iut);
  const over = links === 1 ? way : `${way}, ${links} links`;
  const lines = [`${who} · ${over} · corpus ${corpus.hash.slice(0, 19)} · seed ${seed}`];
  lines.push(...notes);
  if (iut !== undefined && granularity !== "class" && notes.length === 0) {
    const lost =
      granularity === "stage"
        ? "the class of an error was judged by its stage only"
        : "no class of an error was judged";
    lines.push(`error granularity ${granularity}: ${lost}`);
  }
  if (restarts > 0) lines.push(`the IUT was started again ${restarts === 1 ? "once" : `${restarts} times`}`);
  return lines;
}

function table(report: Report, paint: Paint): string[] {
  const profiles = profilesOf(report);
  if (profiles.length === 0) return [];
  const columns = COLUMNS.filter((column) => column === "pass" || profiles.some(({ counts }) => counts[column] > 0));
  const someLeft = profiles.some(({ notRun }) => notRun > 0);
  const heads = ["profile", "verdict", ...columns, ...(someLeft ? ["not run"] : [])];
  const rows = profiles.map(({ profile, word, counts, notRun }) => [
    profile,
    word,
    ...columns.map((column) => grouped(counts[column])),
    ...(someLeft ? [grouped(notRun)] : []),
  ]);
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const format = (row: readonly string[]) =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)));
  return [
    paint.dim(`  ${format(heads).join("  ")}`),
    ...rows.map((row) => {
      const [profile = "", word = "", ...numbers] = format(row);
      return `  ${profile}  ${paintOf(row[1] as Word, paint)(word)}  ${numbers.join("  ")}`;
    }),
    "",
  ];
}

function probes(report: Report, paint: Paint): string[] {
  const words = probesOf(report).map(({ probe, word }) => `${probe} ${paintOf(word, paint)(word)}`);
  return words.length === 0 ? [] : [`probes: ${words.join(" · ")}`, ""];
}

function ranks(report: Report, paint: Paint): string[] {
  const { scenarios, ranks } = strandedOf(report);
  if (scenarios === 0) return [];
  const told = ranks === 0 ? paint.good("none stranded") : paint.bad(`${ranks} stranded`);
  const played = scenarios === 1 ? "1 scenario counted" : `${grouped(scenarios)} scenarios counted`;
  return [`ranks: ${played}, ${told}`, ""];
}

function contradictions(report: Report, paint: Paint): string[] {
  if (report.contradictions.length === 0) return [];
  const said = report.contradictions.map((one) => `  ${paint.warn(describeContradiction(one))}`);
  return ["hello and answers contradict each other (no verdict changes by it):", ...said, ""];
}

function paintOf(word: Word, paint: Paint): (text: string) => string {
  if (word === "conformant") return paint.good;
  return word === "not conformant" ? paint.bad : paint.warn;
}

function totals(report: Report, paint: Paint): string[] {
  const counts: Counts = count(report.outcomes);
  const parts = COLUMNS.filter((column) => counts[column] > 0).map((column) => `${grouped(counts[column])} ${column}`);
  const colour = report.exit === EXIT.conformant ? paint.good : paint.bad;
  const total = `${grouped(report.outcomes.length)} cases in ${report.seconds.toFixed(1)} s`;
  const ending = endingOf(report.exit, counts["known-fail"]);
  return [`${total}: ${parts.join(", ") || "none"}`, colour(paint.bold(`${ending} (exit ${report.exit})`))];
}

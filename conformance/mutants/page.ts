import { createHash } from "node:crypto";
import { type Holders, isShown, NOT_SHOWN, PROTOCOL } from "@tensorwire/scripts/protocol-rules";
import { type Rule, type RuleIndex, testsNaming } from "@tensorwire/scripts/rules";
import { markdownTable } from "markdown-table";
import { killingSet } from "./cover.ts";
import type { Gate } from "./gate.ts";
import { vectorsOf } from "./matrix.ts";
import { NO_CHECKS } from "./trial.ts";

/** What one rule has to show for itself in one run. */
interface Row {
  readonly id: string;
  readonly rule: Rule;
  /** Vectors that name it, and profiles whose sweeps do. */
  readonly vectors: readonly string[];
  readonly sweeps: readonly string[];
  /** Cases that named it, ran, and passed; by what they expect. */
  readonly accepting: number;
  readonly refusing: number;
  /** Unit tests that mutants are put to, whose title names it, and that passed. */
  readonly tests: number;
  /** Mutants that died by a check of it. */
  readonly mutants: readonly string[];
  /** Where packages and messages name it in a comment, shortened: `framing/slab.ts`. */
  readonly code: readonly string[];
  /** Packages whose unit tests name it, in a title or a comment. */
  readonly unitTests: readonly string[];
}

const CHAPTERS = ["spec/framing.md", "spec/tp-control.md", "spec/pp-contract.md", "spec/handshake.md"];

/** The page, from what a run of the gate has shown, and who holds the rules of the IUT protocol. The same sources give the same page. */
export function coveragePage(
  index: RuleIndex,
  gate: Gate,
  holders: ReadonlyMap<string, Holders>,
  oneSided: Readonly<Record<string, string>>,
): string {
  const tests = testsNaming();
  const rows = [...index.rules].flatMap(([id, rule]) =>
    CHAPTERS.includes(rule.file) ? [rowOf(id, rule, index, gate, tests(id))] : [],
  );
  const killed = gate.verdicts.filter(({ fate }) => fate === "killed").length;
  const byTests = gate.verdicts.filter(({ mutant }) => mutant.at === "tests");
  const whole = gate.verdicts.filter((verdict) => !byTests.includes(verdict));
  return `${[
    "# Coverage",
    "Written by `bun run coverage`; CI holds it to the sources. Do not edit.",
    `A rule counts as *tested* if and only if, in the run that wrote this page, a check that names it ran against the reference and passed, and a mutant of the reference died by a check that names it. A check is one case of the expanded corpus, or of a probe of level 3, or a scenario of level 2 on real connections; of a scenario that replays a sweep, some of its cases. What none of these can show (TLS, kwargs that no JSON can carry, protos that their next author must not make) unit tests of the project show, whose title names the rule: each is a check too, if a mutant is put to it.`,
    `The rules of \`iut-protocol.md\` bind harness and adapters: no mutant of the reference can break one. Such a rule counts as *shown* if and only if a liar names it, which the harness must find out, or the title of another unit test, \`r[id]\`, or a scenario. A comment shows nothing. ${shownOf(holders).length} of ${holders.size} are shown.`,
    summary(rows),
    protocolSummary(holders),
    `The run: ${gate.control.passed} checks of the unmutated reference passed and ${gate.control.failed.length} failed, ${gate.control.declined} had limits above those of the reference; ${killed} of ${gate.verdicts.length} mutants died by every rule that they break; ${byTests.length} of them are judged by unit tests; ${killingSet(whole).length} vectors are enough to kill all others.`,
    "## Where the corpus is weak",
    ...weak(rows, gate, oneSided),
    commented(index, holders),
    "The tables follow. *Text* is the start of the SHA-256 of the rule's text: who changes a rule finds this page stale, and looks again at what is named here. *Code* is where the packages name the rule in a comment.",
    ...CHAPTERS.flatMap((file) => chapter(file, rows)),
    ...protocolChapter(index, holders),
  ].join("\n\n")}\n`;
}

function rowOf(
  id: string,
  rule: Rule,
  { inVectors, inCode }: RuleIndex,
  { control, verdicts }: Gate,
  tests: readonly string[],
): Row {
  const named = inVectors.get(id) ?? [];
  const sweeps = named.flatMap((name) => /^vectors\/([^/]+)\/profile\.json$/.exec(name)?.[1] ?? []);
  return {
    id,
    rule,
    vectors: named.filter((name) => !name.startsWith("vectors/")),
    sweeps: [...new Set(sweeps)],
    ...(control.checks[id] ?? NO_CHECKS),
    mutants: verdicts.filter(({ kills }) => (kills[id]?.length ?? 0) > 0).map(({ mutant }) => mutant.id),
    code: [...new Set((inCode.get(id) ?? []).flatMap(({ file }) => shortCode(file)))],
    unitTests: [...new Set(tests.map((file) => file.split("/")[1]!))].sort(),
  };
}

function shortCode(file: string): string[] {
  if (/^spec\/proto\/[^/]+$/.test(file)) return [file.slice("spec/".length)];
  const [, name, path] = /^packages\/([^/]+)\/src\/(.+)$/.exec(file) ?? [];
  return path === undefined || path.endsWith(".test.ts") ? [] : [`${name}/${path}`];
}

const ofCorpus = ({ accepting, refusing }: Row) => accepting + refusing;
const checks = (row: Row) => ofCorpus(row) + row.tests;
const tested = (row: Row) => checks(row) > 0 && row.mutants.length > 0;

function summary(rows: readonly Row[]): string {
  const line = (name: string, of: readonly Row[]) => [
    name,
    ...[
      of.length,
      of.filter((row) => checks(row) > 0).length,
      of.filter((row) => row.tests > 0 && ofCorpus(row) === 0).length,
      of.filter(({ mutants }) => mutants.length > 0).length,
      of.filter(tested).length,
    ].map(String),
  ];
  return markdownTable(
    [
      ["chapter", "rules", "with checks", "of unit tests alone", "with mutants that died", "tested"],
      ...CHAPTERS.map((file) =>
        line(
          link(file),
          rows.filter(({ rule }) => rule.file === file),
        ),
      ),
      line("all", rows),
      ...(["must", "should", "may", "states"] as const).map((level) =>
        line(
          `of level ${level}`,
          rows.filter(({ rule }) => rule.level === level),
        ),
      ),
    ],
    { align: ["l", "r", "r", "r", "r", "r"], alignDelimiters: false },
  );
}

function weak(rows: readonly Row[], { verdicts }: Gate, oneSided: Readonly<Record<string, string>>): string[] {
  const checked = rows.filter((row) => ofCorpus(row) > 0);
  const single = checked.filter(({ vectors, sweeps }) => vectors.length === 1 && sweeps.length === 0);
  const accepts = checked.filter(({ refusing }) => refusing === 0);
  const refuses = checked.filter(({ accepting }) => accepting === 0);
  const unchecked = rows.filter((row) => ofCorpus(row) === 0);
  // One of level 2 is put to a few scenarios of its rule alone.
  const whole = verdicts.filter(({ mutant }) => mutant.at === undefined);
  const thin = whole.filter((verdict) => vectorsOf(verdict).length === 1);
  return [
    section(
      `Rules with a single vector (${single.length})`,
      single.map(({ id, vectors }) => `${code(id)}: ${vectors.join()}`),
    ),
    section(`Rules that are shown by accepting alone (${accepts.length})`, byReason(accepts, oneSided)),
    section(`Rules that are shown by refusing alone (${refuses.length})`, [
      "Every vector that refuses has a sibling under the same limits, which is accepted.",
      ...byReason(refuses, {}),
    ]),
    section(
      `Rules that no check of the corpus names (${unchecked.length})`,
      unchecked.map((row) => `${code(row.id)} (${row.rule.level}): ${judgedBy(row, oneSided[row.id])}`),
    ),
    section(
      `Mutants that die by one vector alone (${thin.length} of ${whole.length})`,
      thin.map((verdict) => `${code(verdict.mutant.id)}: ${vectorsOf(verdict).join()}`),
    ),
  ];
}

/** One line for all rules that have the same reason. */
function byReason(rows: readonly Row[], reasons: Readonly<Record<string, string>>): string[] {
  const groups = Map.groupBy(rows, ({ id }) => reasons[id] ?? "");
  return [...groups].map(
    ([reason, of]) => `${of.map(({ id }) => code(id)).join(", ")}${reason === "" ? "" : `: ${reason}`}`,
  );
}

function judgedBy({ tests, unitTests, mutants }: Row, reason?: string): string {
  const named =
    unitTests.length === 0
      ? "No unit test of a package names it"
      : `Named in the unit tests of ${unitTests.join(", ")}`;
  const judged = `${tests} unit tests passed and killed ${mutants.length} mutants`;
  return [...(reason === undefined ? [] : [reason]), `${tests > 0 ? judged : named}.`].join(" ");
}

function chapter(file: string, rows: readonly Row[]): string[] {
  const own = rows.filter(({ rule }) => rule.file === file);
  return [
    heading(file),
    markdownTable(
      [
        [
          "rule",
          "text",
          "level",
          "code",
          "vectors",
          "checks",
          "accepting",
          "refusing",
          "unit tests",
          "mutants that died by it",
        ],
        ...own.map((row) => [
          code(row.id),
          digest(row.rule.text),
          row.rule.level,
          row.code.join(", "),
          [...inShort(row.vectors), ...row.sweeps.map((profile) => `sweeps of ${profile}`)].join(", "),
          String(checks(row)),
          String(row.accepting),
          String(row.refusing),
          String(row.tests),
          row.mutants.join(", "),
        ]),
      ],
      { align: ["l", "l", "l", "l", "l", "r", "r", "r", "r", "l"], alignDelimiters: false, padding: true },
    ),
  ];
}

const shownOf = (holders: ReadonlyMap<string, Holders>) => [...holders.values()].filter(isShown);

function protocolSummary(holders: ReadonlyMap<string, Holders>): string {
  const having = (kind: keyof Holders) => [...holders.values()].filter((own) => own[kind].length > 0).length;
  const counts = [holders.size, having("liars"), having("tests"), having("scenarios"), shownOf(holders).length];
  return markdownTable(
    [
      ["chapter", "rules", "with liars", "with other tests", "with scenarios", "shown"],
      [link(PROTOCOL), ...counts.map(String)],
    ],
    { align: ["l", "r", "r", "r", "r", "r"], alignDelimiters: false },
  );
}

function commented({ inCode }: RuleIndex, holders: ReadonlyMap<string, Holders>): string {
  const open = [...holders].filter(([, own]) => !isShown(own));
  const places = (id: string) => {
    const files = [...new Set((inCode.get(id) ?? []).map(({ file }) => file))].sort();
    return files.length === 0 ? "Nothing names it." : `In a comment of ${files.join(", ")}.`;
  };
  return section(
    `Rules of the IUT protocol that only a comment names (${open.length})`,
    open.map(([id]) => `${code(id)}: ${[NOT_SHOWN[id] ?? [], places(id)].flat().join(" ")}`),
  );
}

function protocolChapter({ rules }: RuleIndex, holders: ReadonlyMap<string, Holders>): string[] {
  const rows = [...holders].map(([id, { liars, tests, scenarios }]) => {
    const { text, level } = rules.get(id)!;
    // A liar's name may have a comma.
    return [code(id), digest(text), level, liars.join("; "), tests.join(", "), inShort(scenarios).join(", ")];
  });
  return [
    heading(PROTOCOL),
    markdownTable([["rule", "text", "level", "liars", "other tests whose title names it", "scenarios"], ...rows], {
      alignDelimiters: false,
      padding: true,
    }),
  ];
}

/** All vectors, and a few scenarios where there are many. */
function inShort(names: readonly string[]): string[] {
  const scenarios = names.filter((name) => name.startsWith("wire/"));
  const more = scenarios.length - MOST_SCENARIOS;
  return [
    ...names.filter((name) => !name.startsWith("wire/")),
    ...scenarios.slice(0, MOST_SCENARIOS),
    ...(more > 0 ? [`${more} scenarios more`] : []),
  ];
}

const MOST_SCENARIOS = 6;

function section(title: string, items: readonly string[]): string {
  return [`### ${title}`, "", ...(items.length === 0 ? ["None."] : items.map((item) => `- ${item}`))].join("\n");
}

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 8);
const code = (text: string) => `\`${text}\``;
const heading = (file: string) => `## ${file.slice("spec/".length)}`;
const link = (file: string) => `[${file.slice("spec/".length)}](${file.slice("spec/".length)})`;

import type { Meaning } from "../corpus/history.ts";
import type { Case, Corpus } from "../corpus/types.ts";
import type { WireFile, WireScenario } from "../corpus/wire-file.ts";
import type { Limits } from "../protocol.ts";
import type { Paint } from "../report/paint.ts";
import { streamOf } from "../report/stream.ts";
import { type Item, idOf, itemsOf } from "../wire/scenarios.ts";
import { inShort, itemsInto, limitsText, meaningText, ruleLines, stepLines } from "./lines.ts";
import { type Rule, rulesOf } from "./rules.ts";
import { describeRank, describeWireStep, otherFields } from "./wire-steps.ts";

/** What is played of a scenario at a time: cases side by side, each on a connection of its own; none where it has steps. */
export interface PlayedItem {
  readonly id: string;
  readonly limits: Limits;
  readonly cases: readonly Case[];
}

/** Everything there is to say about a scenario on real connections, or about one case that it plays. */
export interface ScenarioExplanation {
  /** The scenario as its file states it. */
  readonly scenario: WireScenario;
  /** By the history. */
  readonly meaning: Meaning | undefined;
  readonly file: Pick<WireFile, "profile" | "about">;
  readonly rules: readonly Rule[];
  /** One, where one was asked for. */
  readonly items: readonly PlayedItem[];
}

/** Takes the id of a scenario, and of what it plays: `wire/tp/split/infer#cut=3`. */
export function explainScenario(
  id: string,
  { corpus, spec }: { readonly corpus: Corpus; readonly spec: string },
): ScenarioExplanation | undefined {
  const named = (corpus.wire ?? []).flatMap((file) =>
    file.scenarios.filter((each) => id === each.id || id.startsWith(`${each.id}/`)).map((each) => ({ file, each })),
  );
  for (const { file, each } of named) {
    const items = [...itemsOf({ ...file, scenarios: [each] }, corpus)].filter(
      (item) => each.id === id || item.id === id || item.cases.some((about) => idOf(item, about) === id),
    );
    if (items.length > 0) {
      return { ...explanationOf(id, file, each, items, spec), meaning: corpus.meanings?.get(each.id) };
    }
  }
  return undefined;
}

function explanationOf(
  id: string,
  { profile, about }: WireFile,
  scenario: WireScenario,
  items: readonly Item[],
  spec: string,
): Omit<ScenarioExplanation, "meaning"> {
  const own = items.length === 1 && scenario.id !== id ? (items[0]?.cases.flatMap(({ rules }) => rules) ?? []) : [];
  return {
    scenario,
    file: { profile, about },
    rules: rulesOf([...new Set([...scenario.rules, ...own])], spec),
    items: items.map(({ id, limits, cases }) => ({ id, limits, cases })),
  };
}

const ITEMS = 12;

/** An explanation for people. */
export function scenarioText({ scenario, meaning, file, rules, items }: ScenarioExplanation, paint: Paint): string {
  const [only] = items;
  const about = items.length === 1 && only !== undefined ? only : undefined;
  const lines = [paint.bold(about?.id ?? scenario.id), scenario.why, ""];
  const item = itemsInto(lines);
  item("profile", `${file.profile}, level 2 on real connections, ${scenario.level}`);
  item("file", file.about);
  if (about !== undefined && about.id !== scenario.id) item("scenario", scenario.id);
  item("limits", about && limitsText(about.limits));
  if (!("ranks" in scenario)) {
    item("opened by", scenario.opened_by === "iut" ? "the implementation, which dials" : "the harness, which dials");
  }
  item("over", scenario.over === "unix" ? "a Unix socket" : "loopback TCP");
  item("digest", meaningText(meaning));
  for (const [name, value] of otherFields(scenario)) item(name, value);
  lines.push(...ruleLines(rules, paint));
  if ("ranks" in scenario) {
    lines.push(
      "",
      paint.bold("Ranks that the harness plays"),
      ...scenario.ranks.map((rank) => `  ${describeRank(rank)}`),
    );
  }
  if ("steps" in scenario) {
    const ofRanks = "ranks" in scenario;
    lines.push("", paint.bold("Steps"), ...inShort(scenario.steps.map((step) => describeWireStep(step, ofRanks))));
  } else if (about === undefined) {
    lines.push(
      "",
      paint.bold(`Plays ${items.length} ${"replay" in scenario ? "cases" : "groups of cases, each side by side"}`),
    );
    for (const { id, cases } of items.slice(0, ITEMS)) lines.push(`  ${id}  ${paint.dim(namesOf(cases))}`);
    if (items.length > ITEMS) lines.push(`  … ${items.length - ITEMS} more`);
  } else {
    for (const each of about.cases) lines.push("", ...playedLines(each, paint));
  }
  return `${lines.join("\n")}\n`;
}

const namesOf = (cases: readonly Case[]) => cases.map(({ id }) => id).join(" beside ");

/** r[iut.wire.sync] */
function playedLines(about: Case, paint: Paint): string[] {
  return [
    paint.bold(`Plays ${about.id}: a read is a write and a sync, a new connection is one more`),
    `  ${about.why}`,
    ...stepLines(about, streamOf(about).ends),
  ];
}

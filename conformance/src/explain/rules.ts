import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A rule as its chapter states it. */
export interface Rule {
  readonly id: string;
  readonly text: string;
  /** `framing.md:57`. */
  readonly place: string;
}

const ID = /^r\[([a-z0-9-]+(?:\.[a-z0-9-]+)+)\]$/;

/** The rules of the chapters in a folder, by id: a rule is the paragraph under its id. */
export function readRules(directory: string): ReadonlyMap<string, Rule> {
  const rules = new Map<string, Rule>();
  for (const file of readdirSync(directory)
    .filter((name) => name.endsWith(".md"))
    .sort()) {
    const lines = readFileSync(join(directory, file), "utf8").split("\n");
    for (const [i, line] of lines.entries()) {
      const id = ID.exec(line)?.[1];
      if (id === undefined) continue;
      const end = lines.findIndex((text, at) => at > i && text.trim() === "");
      const text = lines.slice(i + 1, end === -1 ? undefined : end).join(" ");
      rules.set(id, { id, text, place: `${file}:${i + 1}` });
    }
  }
  return rules;
}

/** Rules as the chapters of a folder state them; one that they do not state says so. */
export function rulesOf(ids: readonly string[], directory: string): Rule[] {
  const stated = readRules(directory);
  return ids.map((id) => stated.get(id) ?? { id, text: "", place: "not in the specification" });
}

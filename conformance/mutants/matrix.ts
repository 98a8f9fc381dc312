import type { Paint } from "@tensorwire/conformance/paint";
import { killingSet } from "./cover.ts";
import type { Gate, Verdict } from "./gate.ts";

/** The gate for people: mutant by killing vectors, the smallest set of them, and what is wrong. */
export function matrix(gate: Gate, { good, bad, bold, dim }: Paint): string {
  const { control, verdicts, faults } = gate;
  const width = Math.max(0, ...verdicts.map(({ mutant }) => mutant.id.length));
  const lines = [bold(`${"mutant".padEnd(width)}  killers  first of them, or what is missing`)];
  for (const verdict of verdicts) {
    const { mutant, fate, text } = verdict;
    const killers = vectorsOf(verdict);
    const first = Object.values(verdict.kills).flat()[0]?.case ?? "";
    const told =
      fate === "killed"
        ? `${first}${mutant.defect === undefined ? "" : dim(`  ${mutant.defect}`)}`
        : bad(`${fate}: ${text}`);
    lines.push(`${mutant.id.padEnd(width)}  ${String(killers.length).padStart(7)}  ${told}`);
  }
  const set = killingSet(verdicts);
  lines.push("", bold(`${set.length} vectors and unit tests kill all that die (greedy: small, not proven smallest)`));
  for (const { vector, mutants } of set) lines.push(`${String(mutants.length).padStart(7)}  ${vector}`);
  const { total, killed, survived } = jsonReport(gate).summary;
  lines.push(
    "",
    `control: ${control.passed} checks passed, ${control.failed.length} failed, ${control.declined} declined`,
  );
  lines.push(...faults.map((fault) => bad(fault)));
  const line = `${total} mutants: ${killed} killed, ${survived} survived`;
  lines.push(faults.length === 0 ? good(line) : bad(line));
  return `${lines.join("\n")}\n`;
}

/** The vectors, or unit tests, that killed it under one of its rules. */
export function vectorsOf({ kills }: Verdict): string[] {
  return [...new Set(Object.values(kills).flatMap((list) => list.map(({ vector }) => vector)))];
}

/** The gate for programs. A mutant that did not die by each of its rules counts as a survivor, whatever became of it. */
export function jsonReport({ control, verdicts, faults }: Gate) {
  const killed = verdicts.filter(({ fate }) => fate === "killed").length;
  return {
    summary: { total: verdicts.length, killed, survived: verdicts.length - killed },
    passed: faults.length === 0,
    faults,
    control: { passed: control.passed, failed: control.failed, declined: control.declined },
    killing_set: killingSet(verdicts).map(({ vector, mutants }) => ({ vector, mutants: mutants.length })),
    mutants: verdicts.map((verdict) => ({
      id: verdict.mutant.id,
      rules: verdict.mutant.rules,
      why: verdict.mutant.why,
      ...(verdict.mutant.defect !== undefined && { defect: verdict.mutant.defect }),
      at: verdict.mutant.at ?? "cases",
      fate: verdict.fate,
      ...(verdict.text !== "" && { text: verdict.text }),
      vectors: vectorsOf(verdict).length,
      first: Object.values(verdict.kills).flat()[0]?.case ?? null,
    })),
  };
}

/**
 * What `tensorwire explain` knows of mutants without a run: those that die by a case, with the first of the cases in the order of the
 * corpus. One line each, in the order of the zoo, so that the same sources give the same file.
 */
export function killersPage(gate: Gate): string {
  const killed = jsonReport(gate).mutants.filter(({ at, fate }) => at === "cases" && fate === "killed");
  const lines = killed.map(({ id, rules, why, fate, first }) => JSON.stringify({ id, rules, why, fate, first }));
  return `{\n"mutants": [\n${lines.join(",\n")}\n]\n}\n`;
}

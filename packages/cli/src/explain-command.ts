import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ToldMutant } from "@tensorwire/conformance";
import { Command } from "commander";
import { out, UsageError } from "./output.ts";

interface Flags {
  readonly corpus?: string;
  readonly seed?: string;
  readonly mutants?: string;
  readonly json?: true;
}

export function explainCommand(): Command {
  return new Command("explain")
    .description(
      "Say what a vector, one case of it or a scenario sends and expects, and why: rules, bytes, steps, siblings, defects.",
    )
    .argument(
      "<id>",
      "a vector (len64/hello), a case of a sweep or probe ('len64/hello#cut=3'), a scenario (wire/tp/split) or a case that it plays, a challenge",
    )
    .option("--corpus <folder>", "another corpus, such as that of an older release")
    .option("--seed <text>", "of the run whose challenge this is; its report says it")
    .option(
      "--mutants <file>",
      "what `bun run mutants --json` wrote: the mutants of that run; default: those of spec/mutants.json",
    )
    .option("--json", "the same as one object")
    .addHelpText(
      "after",
      `
Examples:
  tensorwire explain len64/hello
  tensorwire explain 'len64/hello#cut=3'
  tensorwire explain 'len64/hello#poison'               a case of a probe, level 3
  tensorwire explain wire/len64/split                   a scenario on real connections, level 2
  tensorwire explain 'wire/tp/split/infer#cut=3'
  tensorwire explain challenge/len32/valid-7 --seed 7   a case that a run has made of its seed

Exit status: 0, or 4 when the corpus is broken, 64 when nothing has this id.`,
    )
    .action(async (id: string, { corpus: folder, seed, mutants, json }: Flags) => {
      const { corpusAt, DEFAULT_CORPUS, DEFAULT_SPEC, explain, explainText, nearest, paintFor } = await import(
        "@tensorwire/conformance"
      );
      const corpus = corpusAt(folder, seed);
      // Of another corpus nobody has said which vector kills which mutant.
      const standing = folder === undefined ? join(DEFAULT_SPEC, "mutants.json") : undefined;
      const path = mutants ?? (standing !== undefined && existsSync(standing) ? standing : undefined);
      const told = path === undefined ? undefined : await toldMutants(path);
      const explanation = explain(id, {
        ...{ corpus, vectors: folder ?? DEFAULT_CORPUS, spec: DEFAULT_SPEC },
        ...(told && { mutants: told }),
      });
      if (explanation === undefined && id.startsWith("challenge/") && seed === undefined) {
        throw new UsageError(
          `${id}: a challenge follows from the seed of its run; expected --seed, as the report says it`,
        );
      }
      if (explanation === undefined) {
        const near = nearest(id, corpus);
        throw new UsageError(
          `no vector, case or scenario is named ${id}${near.length === 0 ? "" : `; near: ${near.join(", ")}`}`,
        );
      }
      if (json) out.json(explanation);
      else process.stdout.write(explainText(explanation, paintFor(process.stdout)));
    });
}

/** What a run of the mutants told. The sources have mutants and rules, but which vector kills which mutant only a run can know. */
async function toldMutants(path: string): Promise<readonly ToldMutant[]> {
  const given = Bun.file(path);
  if (!(await given.exists())) throw new UsageError(`${path}: no such file`);
  const content: { readonly mutants?: unknown } | null = await given.json().catch(() => null);
  if (Array.isArray(content?.mutants)) return content.mutants;
  throw new UsageError(`${path}: expected what \`bun run mutants --json\` wrote, an object with the list mutants`);
}

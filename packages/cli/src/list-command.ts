import { Command } from "commander";
import { out } from "./output.ts";

interface Flags {
  readonly corpus?: string;
  readonly rules?: true;
  readonly json?: true;
}

const grouped = (value: number) => value.toLocaleString("en-US");

export function listCommand(): Command {
  return new Command("list")
    .description("List what there is to run: profiles, vectors, sweeps and rules, with their counts.")
    .argument(
      "[glob]",
      "only vectors and cases whose id matches, such as 'len64/*' or 'tp/*#eof=*'; then one line a vector",
    )
    .option("--corpus <folder>", "another corpus, such as that of an older release")
    .option("--rules", "one line a rule: how many vectors and cases name it")
    .option("--json", "vectors, rules, scenarios and totals as one object")
    .addHelpText(
      "after",
      `
Examples:
  tensorwire list                          the profiles and their sweeps
  tensorwire list 'len64/*'                every vector of a profile
  tensorwire list 'wire/tp/*'              every scenario on real connections
  tensorwire list --rules 'len64/*'        the rules that they show
  tensorwire list --json | jq .totals

Exit status: 0, or 4 when the corpus is broken, 5 when nothing matches, 64 usage.`,
    )
    .action(async (glob: string | undefined, { corpus, rules, json }: Flags) => {
      const { corpusAt, EXIT, idFilter, listCorpus } = await import("@tensorwire/conformance");
      const listing = listCorpus(corpusAt(corpus), idFilter(glob));
      if (json) out.json(listing);
      else if (rules) for (const { id, vectors, cases } of listing.rules) out.line(row(id, vectors, cases));
      else if (glob !== undefined) {
        for (const { id, cases, sweeps, probes } of listing.vectors) {
          out.line(`${row(id, 1, cases)}  ${sweepsOf({ ...sweeps, ...probes })}`);
        }
        for (const { id, items } of listing.scenarios) out.line(row(id, 1, items));
      } else {
        for (const [profile, vectors] of Map.groupBy(listing.vectors, (vector) => vector.profile)) {
          const sweeps: Record<string, number> = {};
          for (const vector of vectors) {
            for (const [sweep, count] of Object.entries(vector.sweeps)) sweeps[sweep] = (sweeps[sweep] ?? 0) + count;
          }
          const cases = vectors.reduce((sum, vector) => sum + vector.cases, 0);
          out.line(`${row(profile, vectors.length, cases)}  ${sweepsOf(sweeps)}`);
        }
      }
      const { vectors, cases, probes, rules: named, scenarios } = listing.totals;
      if (!json) {
        const total = `${grouped(vectors)} vectors, ${grouped(cases)} cases, ${grouped(probes)} cases of probes, ${named} rules, ${scenarios} wire scenarios`;
        out.line(`${total} · corpus ${listing.corpus.slice(0, 19)}`);
      }
      if (cases + probes + scenarios === 0) process.exitCode = EXIT.nothing;
    });
}

const row = (name: string, vectors: number, cases: number) =>
  `${name.padEnd(40)}${vectors > 1 ? `${grouped(vectors).padStart(7)} vectors` : "".padStart(15)}${grouped(cases).padStart(9)} cases`;

const sweepsOf = (sweeps: Readonly<Record<string, number>>) =>
  Object.entries(sweeps)
    .map(([sweep, count]) => `${sweep} ${grouped(count)}`)
    .join(", ");

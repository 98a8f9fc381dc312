import type { Compared, Way } from "@tensorwire/conformance";
import { Command } from "commander";
import { collecting } from "./once.ts";
import { fail, integer, out, text, UsageError } from "./output.ts";

interface Flags {
  readonly launch?: readonly string[];
  readonly stdio?: readonly string[];
  readonly connect?: readonly string[];
  readonly inProcess?: true;
  readonly corpus?: string;
  readonly profile?: string;
  readonly filter?: string;
  readonly jobs?: number;
  readonly seed?: string;
  readonly startDeadline?: number;
  readonly caseDeadline?: number;
  readonly json?: true;
}

const several = collecting((value, before: readonly string[] = []) => [...before, value]);

export function compareCommand(): Command {
  return new Command("compare")
    .description(
      "Put several implementations to the same cases and show only where their answers differ: there the specification is vague, or one is wrong.",
    )
    .argument("[reports...]", "files that `tensorwire conformance --json` wrote, beside or in place of runs")
    .optionsGroup("Implementations to run (each may be given several times):")
    .option("--launch <command>", "start it; it dials back", several)
    .option("--stdio <command>", "start it and talk over its stdin and stdout", several)
    .option("--connect <address>", "it listens: HOST:PORT, the path of a Unix socket, or ws://", several)
    .option("--in-process", "the reference, by function calls")
    .optionsGroup("What to run:")
    .option(
      "--corpus <folder>",
      "another corpus, such as that of an older release: that of the reports, where there are any",
    )
    .option("--profile <names>", "only these profiles, comma-separated: len64,tp")
    .option("--filter <glob>", "only cases whose id matches, such as 'len64/*#cut=*'")
    .option("--jobs <n>", "links to open at once, to each", integer(1, 64))
    .option("--seed <text>", "repeat a comparison with its seed", text)
    .option(
      "--start-deadline <ms>",
      "milliseconds until hello must be there, and for each request of the link check; default: 30,000",
      integer(1),
    )
    .option("--case-deadline <ms>", "milliseconds for each case; default: scaled to the machine", integer(1))
    .option("--json", "the comparison as one object on stdout")
    .addHelpText(
      "after",
      `
An answer is the verdict's events: two that fail alike agree with each other, and two that pass by different alternatives of a vector
do not. What one did not declare, or declined, is no answer.

Examples:
  tensorwire compare --in-process --launch "python3 conformance/ports/python/shim.py" --profile tp
  tensorwire compare --launch ./port-a --launch ./port-b --filter 'len64/*'
  tensorwire compare a.json b.json --launch ./port-c --json | jq .rules

Exit status: 0 they agree, 1 they differ, 3 one did not start or its adapter is broken, 4 harness or corpus defect,
5 nothing was compared, 64 usage.`,
    )
    .action(run);
}

async function run(paths: string[], flags: Flags): Promise<void> {
  const { comparisonText, EXIT, paintFor, readReport, ReportError, runCompare } = await import(
    "@tensorwire/conformance"
  );
  let reports: Compared[];
  try {
    reports = paths.map(readReport);
  } catch (error) {
    throw error instanceof ReportError ? new UsageError(error.message) : error;
  }
  const { launch = [], stdio = [], connect = [], inProcess, profile, json, ...narrowed } = flags;
  const ways: Way[] = [
    ...(inProcess ? [{ kind: "in-process" as const, iut: (await import("@tensorwire/iut-ts")).reference }] : []),
    ...launch.map((command) => ({ kind: "launch" as const, command })),
    ...stdio.map((command) => ({ kind: "stdio" as const, command })),
    ...connect.map((address) => ({ kind: "connect" as const, address })),
  ];
  const compared = await runCompare({
    ...{ ways, reports, ...narrowed },
    ...(profile !== undefined && { profiles: profile.split(",") }),
  }).catch((error: unknown) => {
    // Exit 1 is a difference: a corpus that cannot be read is none.
    if (!(error instanceof Error && error.name === "CorpusDefect")) throw error;
    fail(error);
    process.exitCode = EXIT.harness;
  });
  if (compared === undefined) return;
  const { exitCode, comparison, troubles } = compared;
  for (const trouble of troubles) process.stderr.write(`${paintFor(process.stderr).bad(trouble)}\n`);
  if (json) out.json({ compare: 1, exit: exitCode, ...comparison, troubles });
  else process.stdout.write(comparisonText(comparison, paintFor(process.stdout)));
  process.exitCode = exitCode;
}

import type { ConformanceOptions, Way } from "@tensorwire/conformance";
import { Command } from "commander";
import { integer, text, UsageError } from "./output.ts";
import { type WayFlags, wayOf, waysIn } from "./ways.ts";

interface Flags extends WayFlags {
  readonly wire?: string;
  readonly wireLimit?: number;
  readonly corpus?: string;
  readonly profile?: string;
  readonly filter?: string;
  readonly jobs?: number;
  readonly seed?: string;
  readonly replay?: string;
  readonly unusableToo?: true;
  readonly baseline?: string;
  readonly updateBaseline?: true;
  readonly json?: string;
  readonly events?: string;
  readonly tap?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly certificate?: string;
  readonly badge?: string;
  readonly record?: string;
  readonly capture?: string;
  readonly shrink?: string;
  readonly startDeadline?: number;
  readonly caseDeadline?: number;
  readonly exportCases?: string;
}

export function conformanceCommand(): Command {
  const command = new Command("conformance").description(
    "Run the corpus against an implementation; with no way in, against the reference over a real TCP socket.",
  );
  return waysIn(command)
    .option("--wire <address>", "level 0: it echoes every message of the one --profile, and has no adapter")
    .option("--wire-limit <bytes>", "the largest payload that the echo endpoint takes, where that is known", integer(0))
    .option("--replay <file>", "no implementation: judge what --record has written, again")
    .optionsGroup("What to run:")
    .option("--corpus <folder>", "another corpus, such as that of an older release")
    .option("--profile <names>", "only these profiles, comma-separated: len64,tp")
    .option("--filter <glob>", "only cases whose id matches, such as 'len64/*#cut=*'")
    .option(
      "--jobs <n>",
      "links to open at once; default: with --launch one a core, at most 4, else 1. --attach and --in-process have one",
      integer(1, 64),
    )
    .option(
      "--seed <text>",
      "repeat a run with its seed: the fresh cases, and the order in which vectors are put, follow from it",
      text,
    )
    .option(
      "--start-deadline <ms>",
      "milliseconds until hello must be there, and for each request of the link check; default: 30,000, for hello with --attach 300,000",
      integer(1),
    )
    .option("--case-deadline <ms>", "milliseconds for each case; default: scaled to the machine", integer(1))
    .option("--unusable-too", "go on with the cases of a profile whose codec failed the link check")
    .option(
      "--baseline <file>",
      "known failures: they must fail as stated; stale, expired or too broad entries are an error",
    )
    .option("--update-baseline", "rewrite that file from this run; then fill in the reasons that it left empty")
    .optionsGroup("Reports:")
    .option("--json <file>", "one JSON object, for `tensorwire report`; - is stdout")
    .option("--events <file>", "JSON Lines, each case when it ends; - is stdout")
    .option("--tap <file>", "TAP, as `prove` reads it; - is stdout")
    .option("--junit <file>", "JUnit XML")
    .option("--html <file>", "one page to look at, with a page for each failure")
    .option("--certificate <file>", "what the run showed, with the hash of its events; see verify-certificate")
    .option("--badge <file>", "an SVG with the result, the corpus and the date")
    .option("--record <file>", "the whole control link, both ways, for --replay")
    .option("--capture <file>", "the data connections of levels 0 and 2 as pcapng, with the events beside the packets")
    .option(
      "--shrink <folder>",
      "make each kind of failure as small as it goes: a vector or a scenario to commit, the vector that brings a probe; what is left as it is, is said",
    )
    .option(
      "--export-cases <file>",
      "write the expanded cases and scenarios of all levels as JSON Lines and run nothing; - is stdout",
    )
    .addHelpText(
      "after",
      `
Examples:
  tensorwire conformance
  tensorwire conformance --launch "python3 conformance/ports/python/shim.py"
  tensorwire conformance --launch ./port --profile len64 --html report.html
  tensorwire conformance --connect 127.0.0.1:4000 --json - | jq .summary
  tensorwire conformance --attach 0.0.0.0:4000 --insecure     waits for a port that you start on another host
  tensorwire conformance --attach ws://127.0.0.1:0            prints the URL that a page in a browser dials
  tensorwire conformance --launch ./port --filter 'len64/end-*' --seed 7
  tensorwire conformance --wire 127.0.0.1:4000 --profile len64 --wire-limit 1024
  tensorwire conformance --launch ./port --baseline known.json --update-baseline
  tensorwire conformance --launch ./port --record port.link && tensorwire conformance --replay port.link
  tensorwire conformance --launch ./port --filter 'wire/len64/*' --capture wire.pcapng     opens in Wireshark
  tensorwire conformance --launch ./port --shrink smaller/
  tensorwire conformance --launch ./port --corpus corpus-0.1/     a corpus of another release
  tensorwire list                               what there is to run
  tensorwire explain 'len64/hello#cut=3'        what one case sends and why

Exit status: 0 conformant, 1 not conformant, 2 the baseline does not fit, 3 the implementation did not start or its
adapter is broken, 4 harness or corpus defect, 5 nothing executed, 64 usage.`,
    )
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { corpusAt, exportCases, idFilter, runConformance } = await import("@tensorwire/conformance");
  if (flags.exportCases !== undefined) {
    const target = flags.exportCases === "-" ? Bun.stdout : Bun.file(flags.exportCases);
    const sink = target.writer();
    exportCases(corpusAt(flags.corpus), sink, idFilter(flags.filter));
    await sink.end();
    return;
  }
  const way = await wayIn(flags);
  const { profile, exportCases: _, ...rest } = flags;
  const { launch, attach, insecure, connect, stdio, inProcess, wire, wireLimit, ...same } = rest;
  const options: ConformanceOptions = {
    ...same,
    ...(way && { way }),
    ...(profile !== undefined && { profiles: profile.split(",") }),
  };
  const { exitCode } = await runConformance(options);
  process.exitCode = exitCode;
}

async function wayIn(flags: Flags): Promise<Way | null> {
  const { wire, wireLimit, profile } = flags;
  const way = await wayOf(flags, { "--wire": wire });
  if (wire === undefined) return way;
  if (profile === undefined || profile.includes(","))
    throw new UsageError("--wire needs one --profile: the one that is echoed");
  return { kind: "wire", address: wire, profile, ...(wireLimit !== undefined && { maxFrameLength: wireLimit }) };
}

#!/usr/bin/env bun
import { Command, CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };
import { captureCommand } from "./capture-command.ts";
import { verifyCertificateCommand } from "./certificate-command.ts";
import { certsCommand } from "./certs-command.ts";
import { compareCommand } from "./compare-command.ts";
import { conformanceCommand } from "./conformance-command.ts";
import { doctorCommand } from "./doctor-command.ts";
import { explainCommand } from "./explain-command.ts";
import { inspectCommand } from "./inspect-command.ts";
import { listCommand } from "./list-command.ts";
import { refuseRepeats } from "./once.ts";
import { EXIT_USAGE, fail } from "./output.ts";
import { pipelineCommand } from "./pipeline-command.ts";
import { referenceCommand } from "./reference-command.ts";
import { reportCommand } from "./report-command.ts";
import { stageCommand } from "./stage-command.ts";
import { tapCommand } from "./tap-command.ts";

const PIPELINE = Bun.isStandaloneExecutable
  ? ""
  : `  tensorwire pipeline --prompt "A frame is"                 two stages on this machine, text as it comes\n`;
/** Nothing installs the command of a repository: what the examples of every command say is said once. */
const WHERE = Bun.isStandaloneExecutable
  ? "This is one file: corpus, rules and reference are in it. tensorwire pipeline and stage need the repository."
  : "In the examples, tensorwire is `bun run tensorwire`, in the root of the repository.";

const program = new Command("tensorwire")
  .description(
    "Wire formats that carry tensors between the stages of multi-node inference: reference and conformance suite.",
  )
  .version(manifest.version)
  .addHelpText(
    "after",
    `
Examples:
  tensorwire conformance                                    the corpus against the reference, over TCP
  tensorwire conformance --launch "python3 port.py"         the corpus against your port
  tensorwire explain len64/hello                            what a vector sends, and why
${PIPELINE}  tensorwire inspect len64 "0000000000000005 68656c6c6f"    the bytes with their fields
  tensorwire tap --listen 127.0.0.1:7000 --to 127.0.0.1:7001 --profile tp   what two peers say, and break
  tensorwire doctor                                         what this machine has, and what it lacks

tensorwire COMMAND --help shows more examples.`,
  )
  .addHelpText("afterAll", `\n${WHERE}`)
  .exitOverride()
  .showSuggestionAfterError();

const COMMANDS = [
  conformanceCommand,
  compareCommand,
  reportCommand,
  verifyCertificateCommand,
  listCommand,
  explainCommand,
  // They start processes from their sources, with backends and a model that no single file holds.
  ...(Bun.isStandaloneExecutable ? [] : [pipelineCommand, stageCommand]),
  referenceCommand,
  certsCommand,
  inspectCommand,
  tapCommand,
  captureCommand,
  doctorCommand,
];
for (const command of COMMANDS) {
  program.addCommand(command().exitOverride());
}
refuseRepeats(program);

try {
  await program.parseAsync();
} catch (error) {
  // Help and version end this way too, with status 0; commander has printed its own message.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  else fail(error);
}

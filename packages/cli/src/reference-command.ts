import { Command } from "commander";
import { UsageError } from "./output.ts";

interface Flags {
  readonly listen?: string;
  readonly stdio?: true;
}

export function referenceCommand(): Command {
  return new Command("reference")
    .description(
      "Be the reference for a harness: dial back to TENSORWIRE_ADDR with TENSORWIRE_TOKEN, as any port does.",
    )
    .option(
      "--listen <address>",
      "wait for the harness instead: HOST:PORT, the path of a Unix socket, or ws://HOST:PORT",
    )
    .option("--stdio", "speak on stdin and stdout instead")
    .addHelpText(
      "after",
      `
Examples:
  tensorwire conformance --launch "tensorwire reference"
  tensorwire reference --listen 127.0.0.1:4000

Exit status: 0 the harness has left, 1 the link broke, 64 usage.`,
    )
    .action(async ({ listen, stdio }: Flags) => {
      if (listen !== undefined && stdio) throw new UsageError("expected one of --listen and --stdio, got both");
      if (listen === undefined && !stdio && process.env.TENSORWIRE_ADDR === undefined)
        throw new UsageError(
          "expected TENSORWIRE_ADDR in the environment, --listen or --stdio: a harness says where it waits",
        );
      const { program } = await import("@tensorwire/iut-ts/program");
      await program(stdio ? ["--stdio"] : listen === undefined ? [] : ["--listen", listen]);
    });
}

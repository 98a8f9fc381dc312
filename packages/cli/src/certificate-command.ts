import { Command } from "commander";
import { out, UsageError } from "./output.ts";

interface Flags {
  readonly events?: string;
  readonly replay?: string;
  readonly baseline?: string;
  readonly corpus?: string;
}

export function verifyCertificateCommand(): Command {
  return new Command("verify-certificate")
    .description(
      "Check a certificate: its shape, and that the events of the run, or the recorded run itself, bear it out.",
    )
    .argument("<certificate>", "a file that `tensorwire conformance --certificate` wrote")
    .option("--events <file>", "the event stream of the same run: its hash and every count are computed again")
    .option("--replay <file>", "the recording of the same run: it is judged again, and must give the same events")
    .option("--baseline <file>", "with --replay: the known failures that the run was given")
    .option("--corpus <folder>", "with --replay: the corpus that the run was given")
    .addHelpText(
      "after",
      `
Examples:
  tensorwire conformance --launch ./port --certificate port.cert.json --events port.events --record port.link
  tensorwire verify-certificate port.cert.json --events port.events
  tensorwire verify-certificate port.cert.json --replay port.link

Exit status: 0 nothing speaks against it, 1 something does, 64 usage: no certificate, or nothing to hold it against.`,
    )
    .action(async (path: string, { events, replay, ...given }: Flags) => {
      if (events === undefined && replay === undefined) {
        throw new UsageError("expected --events FILE or --replay FILE: a certificate alone proves nothing");
      }
      const { CertificateError, readCertificate, verifyByEvents, verifyByReplay } = await import(
        "@tensorwire/conformance"
      );
      try {
        const claim = readCertificate(path);
        const faults = [
          ...(events === undefined ? [] : verifyByEvents(claim, await Bun.file(events).bytes())),
          ...(replay === undefined ? [] : await verifyByReplay(claim, replay, given)),
        ];
        for (const fault of faults) out.line(fault);
        out.line(faults.length === 0 ? `${path}: borne out` : `${path}: not borne out`);
        process.exitCode = faults.length === 0 ? 0 : 1;
      } catch (error) {
        throw error instanceof CertificateError ? new UsageError(error.message) : error;
      }
    });
}

import { paintFor } from "@tensorwire/conformance/paint";
import { Command } from "commander";
import { INSPECT_PROFILES, inspect } from "./inspect/inspect.ts";
import { renderText } from "./inspect/render.ts";
import { integer, oneOf, out, UsageError } from "./output.ts";

interface Flags {
  readonly file?: string;
  readonly maxFrameLength?: number;
  readonly all?: true;
  readonly json?: true;
}

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("Show bytes with their fields, the messages in them, and where and why a decoder would refuse them.")
    .argument("<profile>", INSPECT_PROFILES.join(", "), oneOf(INSPECT_PROFILES))
    .argument("[hex...]", "the bytes in hex, blanks allowed; - reads raw bytes from stdin")
    .option("--file <path>", "read raw bytes from a file instead")
    .option("--max-frame-length <bytes>", "the limit to judge by; default 16 MiB", integer(0))
    .option("--all", "do not shorten long payloads")
    .option("--json", "fields, messages and verdict as JSON")
    .addHelpText(
      "after",
      `
Examples:
  tensorwire inspect len64 "0000000000000005 68656c6c6f"
  tensorwire inspect grpc-lpm 01 00000000                   what a decoder says to a compressed message
  tensorwire inspect tp --file capture.bin
  tensorwire inspect len64 --max-frame-length 4 0000000000000005
  xxd -r -p notes.txt | tensorwire inspect multipart -

Exit status: 0 the bytes end cleanly, 1 a decoder would refuse them, 64 usage.`,
    )
    .action(async (profile: (typeof INSPECT_PROFILES)[number], words: string[], flags: Flags) => {
      const { maxFrameLength } = flags;
      const report = inspect(
        profile,
        await input(words, flags),
        maxFrameLength === undefined ? {} : { maxFrameLength },
      );
      if (flags.json) out.json(report);
      else out.line(renderText(report, { all: flags.all === true, paint: paintFor(process.stdout) }));
      process.exitCode = report.error === null ? 0 : 1;
    });
}

async function input(words: readonly string[], { file }: Flags): Promise<Uint8Array> {
  if (file !== undefined) return await Bun.file(file).bytes();
  if (words.length === 1 && words[0] === "-") return await Bun.stdin.bytes();
  const digits = words.join("").replaceAll(/[\s:_]/g, "");
  if (digits === "") throw new UsageError("expected bytes: hex words, - for stdin, or --file");
  const wrong = digits.search(/[^0-9a-fA-F]/);
  if (wrong >= 0) throw new UsageError(`expected hex digits, got "${digits[wrong]}" as digit ${wrong + 1}`);
  if (digits.length % 2 !== 0) throw new UsageError(`expected an even count of hex digits, got ${digits.length}`);
  return new Uint8Array(Buffer.from(digits, "hex"));
}

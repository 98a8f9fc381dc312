import { paintFor } from "@tensorwire/conformance/paint";
import { Command } from "commander";
import { asUsage, integer, oneOf, toJson, UsageError } from "./output.ts";
import { TAP_PROFILES, type TapProfile } from "./tap/listeners.ts";
import { Lines, lineOf, type Told } from "./tap/report.ts";

interface Flags {
  readonly listen: string;
  readonly to: string;
  readonly profile: TapProfile;
  readonly replyProfile?: TapProfile;
  readonly handshake?: true;
  readonly maxFrameLength?: number;
  readonly connections?: number;
  readonly capture?: string;
  readonly json?: true;
  readonly insecure?: true;
}

export function tapCommand(): Command {
  return new Command("tap")
    .description(
      "Stand between two peers, forward what they send untouched, and say which messages it is and which rules it breaks.",
    )
    .requiredOption("--listen <address>", "where the one peer dials: HOST:PORT or unix:/PATH")
    .requiredOption("--to <address>", "where the other one listens: HOST:PORT or unix:/PATH")
    .requiredOption("--profile <name>", `what the dialling peer sends: ${TAP_PROFILES.join(", ")}`, oneOf(TAP_PROFILES))
    .option(
      "--reply-profile <name>",
      "what comes back; default: the same, and for PP requests pp-result",
      oneOf(TAP_PROFILES),
    )
    .option("--handshake", "each direction begins with a Hello, as those of tensorwire stage do")
    .option(
      "--max-frame-length <bytes>",
      "the limit to judge by, and the most that is held of a message; default: 16 MiB",
      integer(0),
    )
    .option("--connections <n>", "end when so many have come and gone; default: at Ctrl-C", integer(1))
    .option("--capture <file>", "also write what goes by as pcapng, with the violations as comments")
    .option("--json", "JSON Lines")
    .option("--insecure", "allow addresses that other machines reach: the tap speaks no TLS")
    .addHelpText(
      "after",
      `
Examples:
  tensorwire tap --listen 127.0.0.1:7000 --to 127.0.0.1:7001 --profile len64
  tensorwire tap --listen 127.0.0.1:7000 --to 127.0.0.1:7001 --profile tp-session --capture seen.pcapng
  tensorwire tap --listen 127.0.0.1:7100 --to 127.0.0.1:7000 --profile pp-session --handshake --connections 1
  tensorwire tap --listen 127.0.0.1:7000 --to 127.0.0.1:7001 --profile len32 --json | jq 'select(.type == "violation")'

A violation changes nothing of what is forwarded; behind it that direction is forwarded on and no longer decoded. Without --handshake
the first byte is the protocol's own. Traffic under TLS cannot be seen.

Exit status: 0 clean, 1 a rule was broken, the other peer could not be reached, or the tap itself failed and did not see
or capture all, 64 usage.`,
    )
    .action(run);
}

/** What a PP stage sends back is no request. */
const replyTo = (profile: TapProfile): TapProfile =>
  profile === "pp-session" || profile === "pp-envelope" ? "pp-result" : profile;

async function run(flags: Flags): Promise<void> {
  const { profile, replyProfile, json, maxFrameLength, insecure, listen, to, ...same } = flags;
  const addresses = {
    listen: await addressOf(listen, "--listen", insecure),
    to: await addressOf(to, "--to", insecure),
  };
  const { startTap } = await import("./tap/tap.ts");
  const paint = paintFor(process.stdout);
  const lines = new Lines(Bun.stdout.writer());
  const tell = (told: Told) =>
    lines.write(json ? JSON.stringify(told, toJson) : lineOf(told, paint), told.type !== "message");
  const tap = await startTap({
    ...same,
    ...addresses,
    profile,
    reply: replyProfile ?? replyTo(profile),
    ...(maxFrameLength !== undefined && { limits: { maxFrameLength } }),
    ...(insecure && { insecure }),
    tell,
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, tap.stop);
  const counts = await tap.done;
  tell({ type: "summary", ...counts, unsaid: lines.unsaid });
  await lines.flush();
  process.exitCode = counts.violations + counts.unreachable + counts.failed === 0 ? 0 : 1;
}

async function addressOf(text: string, flag: string, insecure: true | undefined): Promise<string> {
  const { formatAddress, isLoopback, parseAddress } = await import("@tensorwire/transport");
  const address = asUsage(() => parseAddress(/^(?:tcp|unix):/.test(text) ? text : `tcp://${text}`));
  if (!isLoopback(address) && !insecure) {
    throw new UsageError(
      `${flag} ${text} ${flag === "--listen" ? "lets other machines in" : "is on another machine"}, and the tap has no TLS: whoever sees what goes by ` +
        "can read and alter it. Use a loopback address (behind ssh -L or -R, for one), or allow it with --insecure",
    );
  }
  return formatAddress(address);
}

import { Command } from "commander";
import { integer, oneOf, out, UsageError } from "./output.ts";

interface ImportFlags {
  readonly profile: string;
  readonly stream?: number;
  readonly from?: "dialler" | "listener";
  readonly maxFrameLength?: number;
  readonly handshake?: true;
  readonly messages?: number;
  readonly second?: string;
  readonly out?: string;
}

/** Bytes of a capture that are read: it is held as a whole. */
const MOST = 2 ** 30;

export function captureCommand(): Command {
  return new Command("capture")
    .description("Read captures of TCP connections (pcapng or pcap): what is in them, and vectors made of it.")
    .addCommand(listCommand().exitOverride())
    .addCommand(importCommand().exitOverride())
    .addHelpText(
      "after",
      `
Examples:
  tensorwire capture list capture.pcapng
  tensorwire capture import capture.pcapng --profile len64 --out imported.json

A run is captured by tensorwire conformance --capture, live peers by tensorwire tap --capture or tcpdump.`,
    );
}

function listCommand(): Command {
  return new Command("list")
    .description("Show the TCP streams of a capture, by the numbers that Wireshark gives them.")
    .argument("<file>", "pcapng or pcap; Ethernet, Linux cooked, loopback or raw IP")
    .addHelpText(
      "after",
      `
Examples:
  tensorwire capture list capture.pcapng

Exit status: 0, 1 when the file is no capture that can be read.`,
    )
    .action(async (path: string) => {
      const { describeStream, streamsOf } = await import("@tensorwire/conformance");
      const note = (text: string) => void process.stderr.write(`${text}\n`);
      for (const stream of streamsOf(await bytesOf(path), note)) out.line(describeStream(stream));
    });
}

function importCommand(): Command {
  return new Command("import")
    .description(
      "Make vectors of a TCP stream: the bytes with their fields, in the reads that the capture has, and what they give.",
    )
    .argument("<file>", "pcapng or pcap; Ethernet, Linux cooked, loopback or raw IP")
    .requiredOption("--profile <name>", "what is spoken in both directions; with --from, in that one")
    .option(
      "--stream <n>",
      "which one, as tensorwire capture list and Wireshark count; needed where there are several",
      integer(0),
    )
    .option("--from <end>", "only what this end sent: dialler or listener", oneOf(["dialler", "listener"]))
    .option(
      "--max-frame-length <bytes>",
      "the limit to judge by; default: a limit of the corpus in which all of it fits",
      integer(0),
    )
    .option("--handshake", "each direction begins with a Hello, which is left out")
    .option("--messages <n>", "only the first of them", integer(1))
    .option(
      "--second <command>",
      "for protobuf bodies and sessions: an adapter that shares no code with the reference; what both say is taken",
    )
    .option("--out <file>", "where to; reads that no sweep has go beside it, as .cases.jsonl; default: stdout")
    .addHelpText(
      "after",
      `
Examples:
  tcpdump -i lo -s 0 -w capture.pcap 'tcp port 7000'
  tensorwire capture import capture.pcap --profile len64 --out imported.json
  tensorwire capture import capture.pcap --profile pp-session --from dialler --stream 2 --handshake \\
    --second "conformance/ports/python/.venv/bin/python conformance/ports/python/full_shim.py"

The expectation does not come from the reference alone: layouts are read by the harness's own reader, and what only protobuf or a
session's memory can say is taken where two implementations agree. Each vector says which it was.

Exit status: 0 the vectors are written, 1 the capture is broken or has a gap, or the two do not agree, 64 usage.`,
    )
    .action(run);
}

async function run(path: string, { out: target, second, ...flags }: ImportFlags): Promise<void> {
  const harness = await import("@tensorwire/conformance");
  const { handleCase } = await import("@tensorwire/iut-ts");
  try {
    const { file, imported } = await harness.importCapture(path, await bytesOf(path), {
      ...flags,
      words: handleCase,
      ...(second !== undefined && { second: { kind: "launch", command: second } }),
      log: (line) => void process.stderr.write(`${line}\n`),
    });
    const text = `${JSON.stringify(file, null, 2)}\n`;
    if (target === undefined) process.stdout.write(text);
    else await Bun.write(target, text);
    const say = (line: string) => (target === undefined ? void process.stderr.write(`${line}\n`) : out.line(line));
    for (const { vector, notes } of imported) {
      say(
        `${vector.id}: ${vector.events.length} ${vector.events.length === 1 ? "event" : "events"}${vector.at_eof === undefined ? "" : `, then ${vector.at_eof}`}`,
      );
      for (const note of notes) say(`  ${note}`);
    }
    const exact = imported.flatMap((one) => (one.exact === undefined ? [] : [JSON.stringify(one.exact)]));
    if (exact.length === 0) return;
    if (target === undefined) {
      say("no sweep has the reads of the capture; with --out they are written as cases beside the vectors");
      return;
    }
    const beside = `${target.replace(/\.json$/, "")}.cases.jsonl`;
    await Bun.write(beside, `${exact.join("\n")}\n`);
    say(`${beside}: the reads of the capture, which no sweep has`);
  } catch (error) {
    throw error instanceof harness.UsageError ? new UsageError(error.message) : error;
  }
}

async function bytesOf(path: string): Promise<Uint8Array> {
  const file = Bun.file(path);
  if (!(await file.exists())) throw new UsageError(`${path}: no such file`);
  if (file.size > MOST)
    throw new UsageError(
      `${path}: ${file.size} bytes are more than are read, ${MOST}; cut it with editcap or tcpdump -r`,
    );
  return await file.bytes();
}

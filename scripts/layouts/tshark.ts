import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Conversation } from "../../conformance/src/capture/conversation.ts";
import { enhancedPacket, interfaceDescription, sectionHeader } from "../../conformance/src/capture/pcapng.ts";
import { PORT_OF } from "../../conformance/src/capture/tape.ts";
import type { Seen, SeenField, SeenMessage } from "./disagree.ts";
import { fieldsOf, isNumber, type Layout } from "./layout.ts";
import { luaText } from "./lua.ts";
import type { Stated } from "./stated.ts";

/** Of a profile, where `ownPorts`. */
const OWN_PORT = 7001;

/** A stream as it is sent: `size` bytes a segment. */
export interface Sent {
  readonly stated: Stated;
  readonly size: number;
  /** What each end says before it. */
  readonly hello?: Uint8Array;
  /** The listener sends it, at the port of another profile. */
  readonly backOf?: string;
}

export interface Dissected {
  readonly seen: Seen;
  /** Classes of errors, in the order of the stream, each with the rule that it names. */
  readonly errors: readonly { readonly class: string; readonly rule: string }[];
  /** Of fields in protobuf messages. */
  readonly names: readonly string[];
}

export interface Dissection {
  /** With mistakes in them, perhaps. */
  readonly layouts: readonly Layout[];
  readonly limits?: Readonly<Record<string, string>>;
  /** As Wireshark reads a file: all packets once, and then those that are looked at. */
  readonly twoPasses?: boolean;
  /** Ports that the dissector has to be told, instead of those that the harness writes into its captures. */
  readonly ownPorts?: boolean;
  /** Where the protobuf messages are described. */
  readonly protos?: string;
}

/** What tshark makes of these streams, each on a connection of its own, with the dissector of these layouts. */
export async function dissect(
  streams: readonly Sent[],
  { layouts, limits, twoPasses, ownPorts, protos }: Dissection,
): Promise<Dissected[]> {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-tshark-"));
  const [capture, script] = [join(folder, "capture.pcapng"), join(folder, "tensorwire.lua")];
  const ports = new Map(layouts.map(({ profile }, i) => [profile, ownPorts ? OWN_PORT + i : PORT_OF[profile]!]));
  writeFileSync(script, luaText(layouts));
  writeCapture(capture, streams, ports);
  const names = [...layouts.map(({ profile }) => `tensorwire.${profile}`), "tensorwire"];
  const preferences = layouts.flatMap(({ profile, message }) => [
    ...(ownPorts ? [`tensorwire.${profile}.ports:${ports.get(profile)}`] : []),
    ...Object.entries(limits ?? { max_frame_length: "4294967295" })
      .filter(([option]) => JSON.stringify(message).includes(`"${option}"`))
      .map(([option, value]) => `tensorwire.${profile}.${option}:${value}`),
  ]);
  if (protos !== undefined) preferences.push(`uat:protobuf_search_paths:"${protos}","TRUE"`);
  const words = [
    ...["tshark", "-n", "-r", capture, "-X", `lua_script:${script}`, "-T", "pdml"],
    ...(twoPasses ? ["-2"] : []),
    ...preferences.flatMap((preference) => ["-o", preference]),
    ...["-Y", names.join(" or "), "-J", names.join(" ")],
  ];
  // Neither the preferences nor the plugins of whoever runs this.
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, WIRESHARK_CONFIG_DIR: folder };
  try {
    const child = Bun.spawn(words, { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [pdml, told] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    if ((await child.exited) !== 0 || /\bLua\b/.test(told)) {
      throw new Error(`tshark ended with ${child.exitCode}: ${told}`);
    }
    return readPdml(pdml, layouts, streams);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Whoever sends a stream has its number as an address. */
function writeCapture(path: string, streams: readonly Sent[], ports: ReadonlyMap<string, number>): void {
  const blocks = [sectionHeader("tensorwire", "vectors"), interfaceDescription()];
  for (const [i, { stated, size, hello, backOf }] of streams.entries()) {
    const from = backOf === undefined ? "dialler" : "listener";
    const port = ports.get(backOf ?? stated.layout.profile)!;
    const [sender, other] = [[10, 0, i >> 8, i & 0xff] as const, [10, 1, 0, 0] as const];
    const ends = {
      dialler: { address: from === "dialler" ? sender : other, port: 50_000 },
      listener: { address: from === "dialler" ? other : sender, port },
    };
    const connection = new Conversation(ends, (packet) => blocks.push(enhancedPacket(packet, 0, [])));
    if (hello !== undefined) {
      connection.bytes("dialler", hello);
      connection.bytes("listener", hello);
    }
    for (let at = 0; at < stated.bytes.length; at += size) {
      connection.bytes(from, stated.bytes.subarray(at, at + size));
    }
    connection.end("dialler");
    connection.end("listener");
  }
  writeFileSync(path, Buffer.concat(blocks));
}

const SENDER = /^ {2}<proto name="ip" showname="[^"]*Src: 10\.([01])\.(\d+)\.(\d+),/;
const MESSAGE = /^ {2}<proto name="tensorwire\.([^"]+)" showname="[^"]*" size="(\d+)" pos="(\d+)"/;
const FIELD =
  /^ +<field name="tensorwire\.[a-z0-9-]+\.([a-z_]+)" showname="[^"]*" size="(\d+)" pos="(\d+)" show="([^"]*)"(?: value="([^"]*)")?/;
const NAME = /^ +<field name="protobuf\.field\.name" .* show="(\w+)"/;
const ERROR =
  /^ +<field name="tensorwire\.(eof|[a-z0-9-]+\.error\.[^"]+)" showname="([a-z.-]+): [^"]* r\[([a-z0-9.-]+)\]"/;

interface Message {
  readonly start: number;
  readonly size: number;
  readonly fields: SeenField[];
  failed: boolean;
}

/** The messages of each connection, in the order of their bytes. A field's offset is that of its message and its place in it. */
function readPdml(pdml: string, layouts: readonly Layout[], streams: readonly Sent[]): Dissected[] {
  const types = new Map(
    layouts.map(({ profile, message }) => [profile, new Map(fieldsOf(message).map((f) => [f.field, isNumber(f)]))]),
  );
  const tracked = (at = 0) => ({
    messages: [] as Message[],
    errors: [] as { class: string; rule: string }[],
    names: [] as string[],
    at,
  });
  // r[link.hello.offsets]
  const found = streams.map(({ hello }) => tracked(-(hello?.length ?? 0)));
  // What the other end sends is nobody's stream.
  let connection = tracked();
  let profile = "";
  let base = 0;
  for (const line of pdml.split("\n")) {
    const [, end, high, low] = SENDER.exec(line) ?? [];
    if (end !== undefined) connection = end === "0" ? found[256 * Number(high) + Number(low)]! : tracked();
    const [, of, size, position] = MESSAGE.exec(line) ?? [];
    if (position !== undefined) {
      profile = of!;
      base = connection.at - Number(position);
      connection.messages.push({ start: connection.at, size: Number(size), fields: [], failed: false });
      connection.at += Number(size);
      continue;
    }
    const named = NAME.exec(line);
    if (named !== null) connection.names.push(named[1]!);
    const [, what, name, rule] = ERROR.exec(line) ?? [];
    if (rule !== undefined) {
      connection.errors.push({ class: name!, rule });
      if (what !== "eof") connection.messages.at(-1)!.failed = true;
      continue;
    }
    // A field of no bytes has no value.
    const [, field, width, place, show, hex = ""] = FIELD.exec(line) ?? [];
    const number = types.get(profile)?.get(field ?? "");
    if (number === undefined) continue;
    const start = base + Number(place);
    const seen = { field: field!, start, end: start + Number(width), hex };
    connection.messages.at(-1)!.fields.push(number ? { ...seen, value: BigInt(show!) } : seen);
  }
  return found.map(({ messages, errors, names }) => ({
    errors,
    names,
    seen: messages.filter(({ fields }) => fields.length > 0).map(seenMessage),
  }));
}

function seenMessage({ start, size, fields, failed }: Message): SeenMessage {
  return failed ? { fields } : { fields, end: start + size };
}

/** For the tests of this folder: packets by hand, and what a capture says beside its packets. */
import { segmentOf, type TcpSegment } from "./dissect.ts";
import { BLOCK } from "./pcapng.ts";
import { readPackets } from "./read-file.ts";
import { type Endpoint, FLAG, packetOf } from "./segment.ts";

export const A: Endpoint = { address: [198, 18, 0, 1], port: 50_000 };
export const B: Endpoint = { address: [198, 19, 0, 1], port: 7000 };

export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A segment from A to B, or back, as a packet that begins with its IP header. */
export function rawPacket(
  sequence: number,
  payload: string | Uint8Array = "",
  { flags = FLAG.ack as number, back = false } = {},
): Uint8Array {
  const bytes = typeof payload === "string" ? bytesOf(payload) : payload;
  const [from, to] = back ? [B, A] : [A, B];
  return packetOf({ from, to, sequence: sequence >>> 0, acknowledged: 0, flags, window: 1000, payload: bytes });
}

/** The same as it is read. */
export function segment(number: number, ...given: Parameters<typeof rawPacket>): TcpSegment {
  const bytes = rawPacket(...given);
  return segmentOf({ number, at: 0, link: 101, bytes, length: bytes.length }) as TcpSegment;
}

/** A classic pcap of these packets. */
export function pcap(
  packets: readonly Uint8Array[],
  { link = 101, little = true, magic = 0xa1b2c3d4 } = {},
): Uint8Array {
  const parts: Uint8Array[] = [];
  const words = (...given: readonly number[]) => {
    const view = new DataView(new ArrayBuffer(4 * given.length));
    for (const [i, word] of given.entries()) view.setUint32(4 * i, word, little);
    parts.push(new Uint8Array(view.buffer));
  };
  // Version 2.4 is two half words.
  words(magic, little ? 0x00040002 : 0x00020004, 0, 0, 65_535, link);
  for (const packet of packets) {
    words(0, 0, packet.length, packet.length);
    parts.push(packet);
  }
  return new Uint8Array(Buffer.concat(parts));
}

export const segmentsOf = (file: Uint8Array): TcpSegment[] =>
  [...readPackets(file)].map(segmentOf).filter((one) => one !== undefined);

export interface Commented {
  readonly segment: TcpSegment;
  readonly comments: readonly string[];
}

/** The packets of a file that was written here, with their comments. */
export function commented(file: Uint8Array): Commented[] {
  const segments = segmentsOf(file);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const found: Commented[] = [];
  for (let at = 0; at < file.length; at += view.getUint32(at + 4, true)) {
    if (view.getUint32(at, true) !== BLOCK.enhanced) continue;
    const comments: string[] = [];
    const end = at + view.getUint32(at + 4, true) - 4;
    let option = at + 28 + ((view.getUint32(at + 20, true) + 3) & ~3);
    while (option < end && view.getUint16(option, true) !== 0) {
      const length = view.getUint16(option + 2, true);
      comments.push(new TextDecoder().decode(file.subarray(option + 4, option + 4 + length)));
      option += 4 + ((length + 3) & ~3);
    }
    found.push({ segment: segments[found.length]!, comments });
  }
  return found;
}

/** The words of tshark about a file, one line for each packet. Undefined where there is none. */
export const tshark = Bun.which("tshark");

export async function tsharkSays(path: string, ...words: readonly string[]): Promise<string> {
  const child = Bun.spawn([tshark ?? "tshark", "-n", "-r", path, ...words], { stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(err);
  return out;
}

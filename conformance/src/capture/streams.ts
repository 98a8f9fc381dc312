import { UsageError } from "../options.ts";
import { segmentOf, type TcpSegment } from "./dissect.ts";
import { CaptureError, type RawPacket, readPackets } from "./read-file.ts";
import { type Assembly, reassemble, type SentBy } from "./reassemble.ts";

/** Of a capture the streams, and of a stream what is to be imported. */

/**
 * The TCP streams of a capture. Throws `CaptureError` for a file that is none. `note` is told once of packets of which it cannot be read whose they
 * are: they are passed over, and a stream to which one of them belongs has a gap.
 */
export function streamsOf(file: Uint8Array, note: (text: string) => void = () => {}): Assembly[] {
  let count = 0;
  let first = "";
  const passed = ({ message }: CaptureError) => {
    if (count++ === 0) first = message;
  };
  const streams = reassemble(segmentsOf(file, passed));
  if (count > 0) note(`${countOf(count, "packet")} passed over, the first: ${first}`);
  return streams;
}

function* segmentsOf(file: Uint8Array, passed: (why: CaptureError) => void) {
  for (const packet of readPackets(file)) {
    const segment = readOr(packet, passed);
    if (segment !== undefined) yield segment;
  }
}

function readOr(packet: RawPacket, passed: (why: CaptureError) => void): TcpSegment | undefined {
  try {
    return segmentOf(packet);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    passed(error);
    return undefined;
  }
}

/** One line for people. */
export function describeStream({ number, about }: Assembly): string {
  const { from, to, sent, answered } = about;
  return `stream ${number}  ${from} → ${to}  ${sent} bytes, ${answered} back`;
}

/** What stands behind the first frame, in the reads that it came in. */
export function withoutHello(side: SentBy, what: string): SentBy {
  const { length: came } = side;
  const prefix = new Uint8Array(Buffer.concat(side.reads).subarray(0, 8));
  const size = prefix.length < 8 ? 0n : 8n + new DataView(prefix.buffer).getBigUint64(0);
  if (size === 0n || size > BigInt(came)) {
    throw new CaptureError(`${what}: expected a whole Hello in front, ${came} bytes came that are none`);
  }
  let left = Number(size);
  const reads: Uint8Array[] = [];
  for (const read of side.reads) {
    const rest = read.subarray(Math.min(left, read.length));
    left -= read.length - rest.length;
    if (rest.length > 0) reads.push(rest);
  }
  return { ...side, reads, length: came - Number(size) };
}

/** The stream that is asked for, or the only one. Throws `UsageError` with the list of them. `passed`: what was passed over. */
export function chosen(streams: readonly Assembly[], wanted: number | undefined, passed: readonly string[]): Assembly {
  const list = streams.map((stream) => `  ${describeStream(stream)}`).join("\n");
  if (streams.length === 0) throw new CaptureError(["the capture has no TCP segment", ...passed].join("; "));
  if (wanted === undefined && streams.length > 1) {
    throw new UsageError(`the capture has ${streams.length} streams; choose one with --stream:\n${list}`);
  }
  const stream = streams[wanted ?? 0];
  if (stream === undefined) throw new UsageError(`the capture has no stream ${wanted}:\n${list}`);
  return stream;
}

/** "2 reads". */
export const countOf = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

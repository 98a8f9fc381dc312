import { BLOCK, BYTE_ORDER } from "./pcapng.ts";

/** A file that cannot be read as a capture, or a capture that cannot be taken for a scenario: says where and why. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
}

/** A packet as the file has it. */
export interface RawPacket {
  /** As Wireshark counts, from 1. */
  readonly number: number;
  /** Where its block or record begins in the file. */
  readonly at: number;
  /** What it begins with, by the registry of link types. */
  readonly link: number;
  readonly bytes: Uint8Array;
  /** How long it was; it is cut where this is more than there is. */
  readonly length: number;
}

/** Bytes of a packet or block, at most: more is a file that is broken, or no capture. */
const MOST = 64 << 20;
const CLASSIC_HEADER = 24;
/** Of classic pcap, with micro- and nanoseconds, as the machine that wrote it reads them. */
const CLASSIC = [0xa1b2c3d4, 0xa1b23c4d] as const;

/** The packets of a pcapng file, or of a classic pcap, of either byte order. */
export function* readPackets(file: Uint8Array): Generator<RawPacket> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 4) throw new CaptureError(`expected a capture, the file has ${file.length} bytes`);
  if (view.getUint32(0) === BLOCK.section) return yield* readBlocks(view);
  for (const little of [false, true]) {
    if (CLASSIC.some((magic) => magic === view.getUint32(0, little))) return yield* readRecords(view, little);
  }
  const came = view.getUint32(0).toString(16).padStart(8, "0");
  throw new CaptureError(`expected pcapng (0a0d0d0a) or pcap (a1b2c3d4, a1b23c4d, of either order), ${came} came at 0`);
}

function* readRecords(view: DataView, little: boolean): Generator<RawPacket> {
  if (view.byteLength < CLASSIC_HEADER) {
    throw new CaptureError(`expected a header of ${CLASSIC_HEADER} bytes, the file has ${view.byteLength}`);
  }
  // The upper half says how many bytes of a frame check sequence there are; those are no part of the IP packet.
  const link = view.getUint32(20, little) & 0xffff;
  let number = 1;
  for (let at = CLASSIC_HEADER; at < view.byteLength; number++) {
    const where = `packet ${number} at byte ${at}`;
    if (view.byteLength - at < 16) throw new CaptureError(`${where}: its header is cut by the end of the file`);
    const captured = view.getUint32(at + 8, little);
    const length = view.getUint32(at + 12, little);
    const start = at + 16;
    if (captured > MOST)
      throw new CaptureError(`${where}: it says that it has ${captured} bytes, at most ${MOST} are read`);
    if (view.byteLength - start < captured) {
      throw new CaptureError(
        `${where}: it says that it has ${captured} bytes, ${view.byteLength - start} are left in the file`,
      );
    }
    yield { number, at, link, bytes: slice(view, start, captured), length };
    at = start + captured;
  }
}

function* readBlocks(view: DataView): Generator<RawPacket> {
  let little = true;
  let links: number[] = [];
  let snaps: number[] = [];
  let number = 1;
  let blocks = 0;
  for (let at = 0; at < view.byteLength; ) {
    blocks++;
    const where = `block ${blocks} at byte ${at}`;
    if (view.byteLength - at < 12) throw new CaptureError(`${where}: it is cut by the end of the file`);
    if (view.getUint32(at) === BLOCK.section) {
      little = view.getUint32(at + 8, true) === BYTE_ORDER;
      if (!little && view.getUint32(at + 8) !== BYTE_ORDER) {
        throw new CaptureError(
          `${where}: expected the byte-order magic 1a2b3c4d of a section, it is neither way round`,
        );
      }
      links = [];
      snaps = [];
    }
    const type = view.getUint32(at, little);
    const length = view.getUint32(at + 4, little);
    if (length < 12 || length % 4 !== 0 || length > MOST) {
      throw new CaptureError(`${where}: expected a length from 12 to ${MOST} in words of 4 bytes, ${length} came`);
    }
    if (view.byteLength - at < length) {
      throw new CaptureError(`${where}: it has ${length} bytes, ${view.byteLength - at} are left in the file`);
    }
    const again = view.getUint32(at + length - 4, little);
    if (again !== length) throw new CaptureError(`${where}: its length is ${length} in front and ${again} at its end`);
    const need = (least: number) => {
      if (length < 12 + least) throw new CaptureError(`${where}: expected ${least} bytes of body, ${length - 12} came`);
    };
    if (type === BLOCK.section) {
      need(16);
      const major = view.getUint16(at + 12, little);
      if (major !== 1) throw new CaptureError(`${where}: expected version 1 of pcapng, ${major} came`);
    } else if (type === BLOCK.interface) {
      need(8);
      links.push(view.getUint16(at + 8, little));
      snaps.push(view.getUint32(at + 12, little));
    } else if (type === BLOCK.enhanced || type === BLOCK.packet || type === BLOCK.simple) {
      const simple = type === BLOCK.simple;
      need(simple ? 4 : 20);
      const from = simple
        ? 0
        : type === BLOCK.enhanced
          ? view.getUint32(at + 8, little)
          : view.getUint16(at + 8, little);
      const link = links[from];
      if (link === undefined) {
        throw new CaptureError(
          `${where}: packet ${number} came by interface ${from}, and ${links.length} are described`,
        );
      }
      const original = view.getUint32(at + (simple ? 8 : 24), little);
      const snap = snaps[from] ?? 0;
      const captured = simple ? Math.min(original, snap === 0 ? original : snap) : view.getUint32(at + 20, little);
      const start = at + (simple ? 12 : 28);
      if (captured > at + length - 4 - start) {
        throw new CaptureError(`${where}: packet ${number} says that it has ${captured} bytes, the block is shorter`);
      }
      yield { number, at, link, bytes: slice(view, start, captured), length: original };
      number++;
    }
    // Of names, statistics and others nothing is needed.
    at += length;
  }
}

const slice = (view: DataView, at: number, length: number) => new Uint8Array(view.buffer, view.byteOffset + at, length);

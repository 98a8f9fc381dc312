/**
 * The four block types of pcapng that a capture is made of, and the option of comments (draft-ietf-opsawg-pcapng). Own code: the libraries of the
 * npm registry only read, know no options, and have had no release for years; this is a page.
 */

export const BLOCK = {
  section: 0x0a0d0d0a,
  interface: 1,
  /** Obsolete, and still in old files. */
  packet: 2,
  simple: 3,
  enhanced: 6,
} as const;

export const BYTE_ORDER = 0x1a2b3c4d;
/** What a packet begins with. */
export const LINK = {
  null: 0,
  ethernet: 1,
  raw: 101,
  loop: 108,
  linuxCooked: 113,
  ipv4: 228,
  ipv6: 229,
  linuxCooked2: 276,
} as const;

const COMMENT = 1;
const APPLICATION = 4;
/** An option's length is 16 bits; Wireshark shows no more than this of one anyway. */
const MOST_COMMENT = 32 * 1024;

const text = new TextEncoder();
const padded = (length: number) => (length + 3) & ~3;

/** A block: type, length, body, length again. Little-endian, as the section's header says. */
function block(type: number, body: readonly Uint8Array[]): Uint8Array {
  const length = 12 + body.reduce((sum, part) => sum + padded(part.length), 0);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  let at = 8;
  for (const part of body) {
    bytes.set(part, at);
    at += padded(part.length);
  }
  view.setUint32(at, length, true);
  return bytes;
}

function words(...given: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * given.length);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of given.entries()) view.setUint32(4 * i, word, true);
  return bytes;
}

function option(code: number, value: string): Uint8Array[] {
  const bytes = text.encode(value);
  const head = new Uint8Array(4);
  const view = new DataView(head.buffer);
  view.setUint16(0, code, true);
  view.setUint16(2, bytes.length, true);
  return [head, bytes];
}

/** Options and their end; nothing at all where there are none. */
function options(given: readonly (readonly [number, string])[]): Uint8Array[] {
  return given.length === 0 ? [] : [...given.flatMap(([code, value]) => option(code, value)), words(0)];
}

/** Who wrote the file, and what is in it. */
export function sectionHeader(application: string, comment: string): Uint8Array {
  // Version 1.0; the length of the section is not known.
  const version = words(BYTE_ORDER, 1, 0xffffffff, 0xffffffff);
  return block(BLOCK.section, [
    version,
    ...options([
      [COMMENT, comment],
      [APPLICATION, application],
    ]),
  ]);
}

/** Packets that begin with their IP header, with times in microseconds. */
export function interfaceDescription(): Uint8Array {
  return block(BLOCK.interface, [words(LINK.raw, 0)]);
}

/** A packet of the one interface. A comment that is too long for a reader is cut, and says so. */
export function enhancedPacket(packet: Uint8Array, microseconds: number, comments: readonly string[]): Uint8Array {
  const [high, low] = [Math.floor(microseconds / 2 ** 32), microseconds % 2 ** 32];
  const head = words(0, high, low, packet.length, packet.length);
  return block(BLOCK.enhanced, [head, packet, ...options(comments.map((comment) => [COMMENT, fitting(comment)]))]);
}

function fitting(comment: string): string {
  if (text.encode(comment).length <= MOST_COMMENT) return comment;
  // Three bytes at most for each unit of a string.
  return `${comment.slice(0, MOST_COMMENT / 3 - 8)} … (cut)`;
}

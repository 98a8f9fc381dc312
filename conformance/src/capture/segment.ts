/** One end of a made-up conversation. */
export interface Endpoint {
  readonly address: readonly [number, number, number, number];
  readonly port: number;
}

/** The bits of a segment's flags that are used here. */
export const FLAG = { fin: 1, syn: 2, rst: 4, push: 8, ack: 16 } as const;

export interface Segment {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly flags: number;
  readonly window: number;
  readonly payload?: Uint8Array;
}

const IP = 20;
const TCP = 20;
/** Maximum segment size, and a window scale of 2^14: nobody is to wonder at a window that is full. */
const SYN_OPTIONS = [2, 4, 0xff, 0x00, 3, 3, 14, 1];
/** Bytes of a segment at most: a packet's length has 16 bits. */
export const MOST_PAYLOAD = 0xff00;
const TTL = 64;
const PROTOCOL = 6;
const DONT_FRAGMENT = 0x4000;

const NOTHING = new Uint8Array();

/** An IPv4 packet with one TCP segment, both checksums right. */
export function packetOf({ from, to, sequence, acknowledged, flags, window, payload = NOTHING }: Segment): Uint8Array {
  const extra = (flags & FLAG.syn) === 0 ? [] : SYN_OPTIONS;
  const header = TCP + extra.length;
  const packet = new Uint8Array(IP + header + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, packet.length);
  view.setUint16(6, DONT_FRAGMENT);
  view.setUint8(8, TTL);
  view.setUint8(9, PROTOCOL);
  packet.set(from.address, 12);
  packet.set(to.address, 16);
  view.setUint16(10, checksum(packet.subarray(0, IP), 0));
  view.setUint16(IP, from.port);
  view.setUint16(IP + 2, to.port);
  view.setUint32(IP + 4, sequence);
  view.setUint32(IP + 8, acknowledged);
  view.setUint8(IP + 12, (header / 4) << 4);
  view.setUint8(IP + 13, flags);
  view.setUint16(IP + 14, window);
  packet.set(extra, IP + TCP);
  packet.set(payload, IP + header);
  const pseudo = sum(packet.subarray(12, 20)) + PROTOCOL + header + payload.length;
  view.setUint16(IP + 16, checksum(packet.subarray(IP), pseudo));
  return packet;
}

/** The sum of the 16-bit words, an odd byte at the end being the high half of one. */
function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) total += (bytes[i]! << 8) | bytes[i + 1]!;
  return bytes.length % 2 === 0 ? total : total + (bytes.at(-1)! << 8);
}

function checksum(bytes: Uint8Array, before: number): number {
  let total = before + sum(bytes);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return ~total & 0xffff;
}

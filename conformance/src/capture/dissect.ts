import { LINK } from "./pcapng.ts";
import { CaptureError, type RawPacket } from "./read-file.ts";
import { FLAG } from "./segment.ts";

/** A TCP segment out of a packet. */
export interface TcpSegment {
  /** The packet's, as Wireshark counts. */
  readonly number: number;
  /** Of the packet's block or record in the file. */
  readonly at: number;
  /** `198.18.0.1:49152`, `[::1]:7000`. */
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  readonly syn: boolean;
  readonly ack: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly payload: Uint8Array;
  /** Why it cannot be read though it is known whose it is: then it has no payload, and what of its header was cut is 0. */
  readonly problem: string | undefined;
}

const ETHER = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, provider: 0x88a8 } as const;
/** What BSD, Linux, FreeBSD and macOS call IPv6 in the four bytes of a loopback packet. */
const FAMILIES6: readonly number[] = [10, 24, 28, 30];
const TCP = 6;
/** Hop-by-hop, routing, destination: headers of IPv6 that stand before what is carried. */
const EXTENSIONS: readonly number[] = [0, 43, 60];
const FRAGMENT = 44;
const FRAGMENTED = "it is a fragment of an IP packet, and those are not put together";

/** The segment in a packet; undefined where it carries no TCP. Throws where it cannot be told whether it does, or between whom. */
export function segmentOf(packet: RawPacket): TcpSegment | undefined {
  const { bytes } = packet;
  const at = networkStart(packet);
  if (at === undefined) return undefined;
  const version = (bytes[at] ?? 0) >> 4;
  if (version === 4) return ofIpv4(packet, at);
  return version === 6 ? ofIpv6(packet, at) : undefined;
}

/** Where the IP header begins; undefined for what is no IP. */
function networkStart({ number, at, link, bytes }: RawPacket): number | undefined {
  const word = (place: number) => ((bytes[place] ?? 0) << 8) | (bytes[place + 1] ?? 0);
  const isIp = (type: number) => type === ETHER.ipv4 || type === ETHER.ipv6;
  switch (link) {
    case LINK.raw:
    case LINK.ipv4:
    case LINK.ipv6:
      return 0;
    case LINK.ethernet: {
      let place = 12;
      while (word(place) === ETHER.vlan || word(place) === ETHER.provider) place += 4;
      return isIp(word(place)) ? place + 2 : undefined;
    }
    case LINK.linuxCooked:
      return isIp(word(14)) ? 16 : undefined;
    case LINK.linuxCooked2:
      return isIp(word(0)) ? 20 : undefined;
    case LINK.null:
    case LINK.loop: {
      // In the order of whoever wrote it: the one that gives a small number.
      const family = Math.min(
        word(0) * 0x10000 + word(2),
        new DataView(Uint8Array.from(padded(bytes)).buffer).getUint32(0, true),
      );
      return family === 2 || FAMILIES6.includes(family) ? 4 : undefined;
    }
    default:
      throw new CaptureError(
        `packet ${number} at byte ${at}: expected a link type of Ethernet, Linux cooked, loopback or raw IP, ${link} came`,
      );
  }
}

const padded = (bytes: Uint8Array) => [0, 1, 2, 3].map((i) => bytes[i] ?? 0);

function ofIpv4(packet: RawPacket, at: number): TcpSegment | undefined {
  const view = viewOf(packet, at, 20, "its IPv4 header");
  if (view.getUint8(9) !== TCP) return undefined;
  const header = 4 * (view.getUint8(0) & 15);
  if (header < 20) throw broken(packet, `expected an IPv4 header of 20 bytes or more, it says ${header}`);
  // The ports are in the first fragment.
  if ((view.getUint16(6) & 0x1fff) !== 0) throw broken(packet, FRAGMENTED);
  const more = (view.getUint16(6) & 0x2000) !== 0;
  const total = view.getUint16(2);
  const address = (from: number) => [0, 1, 2, 3].map((i) => view.getUint8(from + i)).join(".");
  // A card that cuts segments itself leaves the length to it: then it is all that there is.
  const end = total === 0 ? packet.length : at + total;
  return tcp(
    packet,
    at + header,
    end,
    more ? FRAGMENTED : undefined,
    (port) => `${address(12)}:${port}`,
    (port) => `${address(16)}:${port}`,
  );
}

function ofIpv6(packet: RawPacket, at: number): TcpSegment | undefined {
  const view = viewOf(packet, at, 40, "its IPv6 header");
  let next = view.getUint8(6);
  let start = at + 40;
  let problem: string | undefined;
  while (EXTENSIONS.includes(next) || next === FRAGMENT) {
    const extension = viewOf(packet, start, 8, "an extension of its IPv6 header");
    if (next === FRAGMENT) {
      const place = extension.getUint16(2);
      const of = extension.getUint8(0);
      // The ports are in the first fragment.
      if ((place & 0xfff8) !== 0) {
        if (of !== TCP && !EXTENSIONS.includes(of)) return undefined;
        throw broken(packet, FRAGMENTED);
      }
      if ((place & 1) !== 0) problem = FRAGMENTED;
    }
    // The header of a fragment has no length: it has 8 bytes.
    start += 8 + (next === FRAGMENT ? 0 : 8 * extension.getUint8(1));
    next = extension.getUint8(0);
  }
  if (next !== TCP) return undefined;
  const length = view.getUint16(4);
  const end = length === 0 ? packet.length : at + 40 + length;
  const address = (from: number) =>
    `[${Array.from({ length: 8 }, (_, i) => view.getUint16(from + 2 * i).toString(16)).join(":")}]`;
  return tcp(
    packet,
    start,
    end,
    problem,
    (port) => `${address(8)}:${port}`,
    (port) => `${address(24)}:${port}`,
  );
}

function tcp(
  packet: RawPacket,
  at: number,
  end: number,
  problem: string | undefined,
  from: (port: number) => string,
  to: (port: number) => string,
): TcpSegment {
  const ports = viewOf(packet, at, 4, "its TCP header");
  const fixed = new Uint8Array(20);
  fixed.set(packet.bytes.subarray(at, at + 20));
  const head = new DataView(fixed.buffer);
  const header = 4 * (head.getUint8(12) >> 4);
  const wrong = problem ?? problemOf(packet, { at, end, header });
  const flags = head.getUint8(13);
  return {
    number: packet.number,
    at: packet.at,
    from: from(ports.getUint16(0)),
    to: to(ports.getUint16(2)),
    sequence: head.getUint32(4),
    syn: (flags & FLAG.syn) !== 0,
    ack: (flags & FLAG.ack) !== 0,
    fin: (flags & FLAG.fin) !== 0,
    rst: (flags & FLAG.rst) !== 0,
    // Behind it an Ethernet frame may be padded.
    payload: wrong === undefined ? packet.bytes.subarray(at + header, end) : new Uint8Array(),
    problem: wrong && broken(packet, wrong).message,
  };
}

function problemOf(
  { bytes }: RawPacket,
  { at, end, header }: { readonly at: number; readonly end: number; readonly header: number },
): string | undefined {
  if (bytes.length - at < 20) return `its TCP header is cut: ${bytes.length - at} of 20 bytes`;
  if (header < 20 || at + header > end) return `expected a TCP header of 20 to ${end - at} bytes, it says ${header}`;
  if (end <= bytes.length) return undefined;
  return `it was captured up to byte ${bytes.length} and goes on to ${end}: capture whole packets (tcpdump -s 0)`;
}

function viewOf(packet: RawPacket, at: number, least: number, what: string): DataView {
  const { bytes } = packet;
  if (bytes.length - at < least)
    throw broken(packet, `${what} is cut: ${Math.max(0, bytes.length - at)} of ${least} bytes`);
  return new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
}

const broken = ({ number, at }: RawPacket, problem: string) =>
  new CaptureError(`packet ${number} at byte ${at}: ${problem}`);

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { segmentOf } from "./dissect.ts";
import { CaptureError, readPackets } from "./read-file.ts";
import { FLAG } from "./segment.ts";
import { bytesOf, pcap, rawPacket, segmentsOf } from "./testing.ts";

const packet = rawPacket(1, "hello", { flags: FLAG.push | FLAG.ack });
const text = (file: Uint8Array) => segmentsOf(file).map(({ payload }) => Buffer.from(payload).toString());
const join = (...parts: readonly (Uint8Array | readonly number[])[]) =>
  new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));

/** Blocks of pcapng in the byte order that is asked for. */
function blocks(little: boolean) {
  const words = (...given: readonly number[]) => {
    const view = new DataView(new ArrayBuffer(4 * given.length));
    for (const [i, word] of given.entries()) view.setUint32(4 * i, word, little);
    return new Uint8Array(view.buffer);
  };
  const half = (high: number, low: number) => (little ? high * 65_536 + low : low * 65_536 + high);
  const block = (type: number, ...body: readonly Uint8Array[]) => {
    const all = join(...body);
    const padding = new Uint8Array((4 - (all.length % 4)) % 4);
    const length = 12 + all.length + padding.length;
    return join(words(type, length), all, padding, words(length));
  };
  return {
    words,
    block,
    section: block(0x0a0d0d0a, words(0x1a2b3c4d, half(0, 1), 0xffffffff, 0xffffffff)),
    face: (link = 101, snap = 0) => block(1, words(half(0, link), snap)),
    enhanced: (bytes: Uint8Array, face = 0) => block(6, words(face, 0, 0, bytes.length, bytes.length), bytes),
    simple: (bytes: Uint8Array) => block(3, words(bytes.length), bytes),
    obsolete: (bytes: Uint8Array) => block(2, words(half(0, 0), 0, 0, bytes.length, bytes.length), bytes),
  };
}

describe("packets are read", () => {
  test.each([true, false])("of pcap with micro- and nanoseconds, little-endian: %p", (little) => {
    for (const magic of [0xa1b2c3d4, 0xa1b23c4d])
      expect(text(pcap([packet, packet], { little, magic }))).toEqual(["hello", "hello"]);
  });

  test.each([true, false])("of the three blocks of pcapng that have any, little-endian: %p", (little) => {
    const { section, face, enhanced, simple, obsolete, block, words } = blocks(little);
    const statistics = block(5, words(0, 0, 0));
    const file = join(section, face(), enhanced(packet), statistics, simple(packet), obsolete(packet));
    expect(text(file)).toEqual(["hello", "hello", "hello"]);
  });

  test("of sections in either order behind each other, each with interfaces of its own", () => {
    const [one, other] = [blocks(true), blocks(false)];
    const ether = join(new Array(12).fill(0), [8, 0], packet);
    const file = join(
      one.section,
      one.face(),
      one.enhanced(packet),
      other.section,
      other.face(1),
      other.enhanced(ether),
    );
    expect(text(file)).toEqual(["hello", "hello"]);
    expect([...readPackets(file)].map(({ number }) => number)).toEqual([1, 2]);
  });
});

describe("a TCP segment is found", () => {
  const ipv6 = (next: number, ...behind: readonly Uint8Array[]) => {
    const body = join(...behind);
    const address = (last: number) => [...new Array(15).fill(0), last];
    return join([0x60, 0, 0, 0, body.length >> 8, body.length & 255, next, 64], address(1), address(2), body);
  };
  const tcp = packet.subarray(20);
  const macs = new Array(12).fill(2);

  test.each([
    ["raw IP", 101, packet],
    ["raw IPv4", 228, packet],
    ["Ethernet", 1, join(macs, [8, 0], packet)],
    ["Ethernet, padded", 1, join(macs, [8, 0], packet, new Array(30).fill(9))],
    ["Ethernet with two tags", 1, join(macs, [0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0], packet)],
    ["Linux cooked", 113, join(new Array(14).fill(0), [8, 0], packet)],
    ["Linux cooked, version 2", 276, join([8, 0], new Array(18).fill(0), packet)],
    ["loopback, little-endian", 0, join([2, 0, 0, 0], packet)],
    ["loopback, big-endian", 0, join([0, 0, 0, 2], packet)],
    ["loopback of OpenBSD", 108, join([0, 0, 0, 2], packet)],
    ["IPv6 over loopback of macOS", 0, join([30, 0, 0, 0], ipv6(6, tcp))],
    ["IPv6", 229, ipv6(6, tcp)],
    [
      "IPv6 with extensions",
      101,
      ipv6(0, Uint8Array.from([60, 0, 0, 0, 0, 0, 0, 0]), Uint8Array.from([6, 1, ...new Array(14).fill(0)]), tcp),
    ],
  ])("over %s", (_, link, bytes) => {
    const found = segmentOf({ number: 1, at: 0, link, bytes, length: bytes.length });
    expect(Buffer.from(found?.payload ?? []).toString()).toBe("hello");
    expect(found?.to).toEndWith(":7000");
  });

  test("with IPv6 addresses in brackets", () => {
    const bytes = ipv6(6, tcp);
    expect(segmentOf({ number: 1, at: 0, link: 229, bytes, length: bytes.length })?.from).toBe(
      "[0:0:0:0:0:0:0:1]:50000",
    );
  });

  test("and what is none is passed over: ARP, UDP, IPv6 of another kind", () => {
    const udp = packet.slice();
    udp[9] = 17;
    const others: readonly [number, Uint8Array][] = [
      [101, udp],
      [1, join(macs, [8, 6], new Array(28).fill(0))],
      [101, ipv6(58, tcp)],
      [0, join([7, 0, 0, 0], packet)],
      [1, new Uint8Array(3)],
    ];
    for (const [link, bytes] of others)
      expect(segmentOf({ number: 1, at: 0, link, bytes, length: bytes.length })).toBeUndefined();
  });
});

describe("a capture that cannot be read says where", () => {
  const { section, face, enhanced, block, words } = blocks(true);
  const good = pcap([packet]);
  const fragment = packet.slice();
  fragment[6] = 0x20;
  const later = packet.slice();
  later[7] = 1;
  const longer = packet.slice();
  longer[32] = 0xf0;
  const set = (bytes: Uint8Array, at: number, ...given: readonly number[]) => {
    const copy = bytes.slice();
    copy.set(given, at);
    return copy;
  };
  test.each<[string, Uint8Array, string]>([
    [
      "another file",
      bytesOf("hello, world"),
      "expected pcapng (0a0d0d0a) or pcap (a1b2c3d4, a1b23c4d, of either order), 68656c6c came at 0",
    ],
    ["an empty file", new Uint8Array(), "expected a capture, the file has 0 bytes"],
    ["a cut header", good.subarray(0, 20), "expected a header of 24 bytes, the file has 20"],
    ["a cut record", good.subarray(0, 30), "packet 1 at byte 24: its header is cut by the end of the file"],
    [
      "a cut packet",
      good.subarray(0, -1),
      "packet 1 at byte 24: it says that it has 45 bytes, 44 are left in the file",
    ],
    [
      "a packet of gigabytes",
      set(good, 32, 0xff, 0xff, 0xff, 0xff),
      "packet 1 at byte 24: it says that it has 4294967295 bytes, at most 67108864 are read",
    ],
    [
      "a cut block",
      join(section, face()).subarray(0, -1),
      "block 2 at byte 28: it has 20 bytes, 19 are left in the file",
    ],
    [
      "a block of no length",
      join(section, words(1, 0, 0)),
      "block 2 at byte 28: expected a length from 12 to 67108864 in words of 4 bytes, 0 came",
    ],
    [
      "a block with two lengths",
      set(join(section, face()), 44, 24),
      "block 2 at byte 28: its length is 20 in front and 24 at its end",
    ],
    [
      "no byte order",
      set(section, 8, 9),
      "block 1 at byte 0: expected the byte-order magic 1a2b3c4d of a section, it is neither way round",
    ],
    ["another version", set(section, 12, 2), "block 1 at byte 0: expected version 1 of pcapng, 2 came"],
    [
      "no such interface",
      join(section, face(), enhanced(packet, 3)),
      "block 3 at byte 48: packet 1 came by interface 3, and 1 are described",
    ],
    [
      "a packet beyond its block",
      join(section, face(), block(6, words(0, 0, 0, 99, 99), packet)),
      "block 3 at byte 48: packet 1 says that it has 99 bytes, the block is shorter",
    ],
    ["a short block", join(section, block(1)), "block 2 at byte 28: expected 8 bytes of body, 0 came"],
    [
      "a link that is not known",
      pcap([packet], { link: 147 }),
      "packet 1 at byte 24: expected a link type of Ethernet, Linux cooked, loopback or raw IP, 147 came",
    ],
    ["a cut IP header", pcap([packet.subarray(0, 12)]), "packet 1 at byte 24: its IPv4 header is cut: 12 of 20 bytes"],
    ["a cut TCP header", pcap([packet.subarray(0, 23)]), "packet 1 at byte 24: its TCP header is cut: 3 of 4 bytes"],
    [
      "a fragment that is not the first",
      pcap([packet, later]),
      "packet 2 at byte 85: it is a fragment of an IP packet, and those are not put together",
    ],
  ])("for %s", (_, file, words) => {
    expect(() => segmentsOf(file)).toThrow(new CaptureError(words));
  });

  test.each<[string, Uint8Array, string, number]>([
    ["a first fragment", fragment, "it is a fragment of an IP packet, and those are not put together", 1],
    ["a TCP header that is too long", longer, "expected a TCP header of 20 to 25 bytes, it says 60", 1],
    [
      "a packet that was captured in part",
      packet.subarray(0, 42),
      "it was captured up to byte 42 and goes on to 45: capture whole packets (tcpdump -s 0)",
      1,
    ],
    ["a cut TCP header", packet.subarray(0, 33), "its TCP header is cut: 13 of 20 bytes", 1],
    ["nothing but ports", packet.subarray(0, 24), "its TCP header is cut: 4 of 20 bytes", 0],
  ])("beside the stream whose it is, for %s", (_, bytes, problem, sequence) => {
    expect(segmentsOf(pcap([bytes]))).toMatchObject([
      {
        ...{ from: "198.18.0.1:50000", to: "198.19.0.1:7000", sequence },
        ...{ payload: new Uint8Array(), problem: `packet 1 at byte 24: ${problem}` },
      },
    ]);
  });

  test("of IPv6 too: a first fragment is of its stream, a later one of none, one that is whole is read, one of UDP is passed over", () => {
    const tcp = packet.subarray(20);
    const fragmentOf = (next: number, place: number) => {
      const head = [0x60, 0, 0, 0, 0, 8 + tcp.length, 44, 64, ...new Array(32).fill(1), next, 9, 0, place, 0, 0, 0, 0];
      const bytes = join(head, tcp);
      return segmentOf({ number: 1, at: 0, link: 101, bytes, length: bytes.length });
    };
    const words = "packet 1 at byte 0: it is a fragment of an IP packet, and those are not put together";
    expect(fragmentOf(6, 1)?.problem).toBe(words);
    expect(() => fragmentOf(6, 8)).toThrow(new CaptureError(words));
    expect(Buffer.from(fragmentOf(6, 0)?.payload ?? []).toString()).toBe("hello");
    expect([fragmentOf(17, 0), fragmentOf(17, 1), fragmentOf(17, 8)]).toEqual([undefined, undefined, undefined]);
  });

  test("and whatever the bytes are, it is read or it is refused", () => {
    const whole = join(section, face(), enhanced(packet), enhanced(packet));
    for (const file of [whole, good]) {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
          (changes) => {
            const bad = file.slice();
            for (const [at, byte] of changes) bad[at] = byte;
            try {
              segmentsOf(bad);
            } catch (error) {
              expect(error).toBeInstanceOf(CaptureError);
            }
          },
        ),
        { numRuns: 500 },
      );
    }
  });
});

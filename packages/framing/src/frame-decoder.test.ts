import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FrameDecoder } from "./frame-decoder.ts";
import { FrameEncoder } from "./frame-encoder.ts";
import { FRAMING_PROFILES, type FramingProfile, PREFIX_LAYOUTS } from "./prefix.ts";
import { concat, decodeInChunks, hex, text } from "./testing.ts";

const GOLDEN: Record<FramingProfile, { stream: string; leads: number[] }> = {
  len32: { stream: "00000003 416461 00000000 00000003 426f62", leads: [0, 0, 0] },
  len64: { stream: "0000000000000003 416461 0000000000000000 0000000000000003 426f62", leads: [0, 0, 0] },
  "len56-tagged": { stream: "0100000000000003 416461 ff00000000000000 0000000000000003 426f62", leads: [1, 255, 0] },
  "grpc-lpm": { stream: "0000000003 416461 0000000000 0000000003 426f62", leads: [0, 0, 0] },
};

function prefixOf(profile: FramingProfile, length: bigint): Uint8Array {
  const { size, lead } = PREFIX_LAYOUTS[profile];
  const digits = (lead === "length" ? size : size - 1) * 2;
  return hex((lead === "length" ? "" : "00") + length.toString(16).padStart(digits, "0"));
}

for (const profile of FRAMING_PROFILES) {
  const { size, lead } = PREFIX_LAYOUTS[profile];
  const { stream: goldenHex, leads } = GOLDEN[profile];
  const golden = hex(goldenHex);

  describe(profile, () => {
    test("boundary.glued: three frames of one read come out in order, with their leads and offsets", () => {
      const { frames, error } = decodeInChunks(profile, golden, []);
      expect(frames.map((f) => text(f.bytes))).toEqual(["Ada", "", "Bob"]);
      expect(frames.map((f) => f.lead)).toEqual(leads);
      expect(frames.map((f) => f.at)).toEqual([size + 3, 2 * size + 3, 3 * size + 6]);
      expect(error).toBeNull();
    });

    test("boundary.chunking: every pair of cuts, and byte by byte, gives the same frames", () => {
      const whole = decodeInChunks(profile, golden, []);
      for (let a = 0; a <= golden.length; a++) {
        for (let b = a; b <= golden.length; b++) expect(decodeInChunks(profile, golden, [a, b])).toEqual(whole);
      }
      const everywhere = Array.from(golden, (_, i) => i);
      expect(decodeInChunks(profile, golden, everywhere)).toEqual(whole);
    });

    test("boundary.chunking: random frames of all sizes in random chunks", () => {
      const sizes = fc.oneof(fc.integer({ max: 40, min: 0 }), fc.integer({ max: 3000, min: 0 }), fc.constant(70_000));
      fc.assert(
        fc.property(
          fc.array(sizes, { maxLength: 12 }),
          fc.infiniteStream(fc.integer({ min: 0, max: 900 })),
          (ns, steps) => {
            const encoder = new FrameEncoder(profile);
            const payloads = ns.map((n, k) => Uint8Array.from({ length: n }, (_, i) => (i * 7 + k) & 255));
            const stream = concat(payloads.flatMap((p) => encoder.encode(p)));
            const cuts: number[] = [];
            for (let at = 0; at < stream.length; ) {
              at += steps.next().value as number;
              if (at < stream.length) cuts.push(at);
            }
            const { frames, error } = decodeInChunks(profile, stream, cuts);
            expect(error).toBeNull();
            expect(frames.map((f) => f.bytes)).toEqual(payloads);
          },
        ),
        { numRuns: 60 },
      );
    });

    test("eof: at every byte, the end is clean on a boundary and named inside a frame", () => {
      const boundaries = [0, size + 3, 2 * size + 3, 3 * size + 6];
      for (let k = 0; k <= golden.length; k++) {
        const { error } = decodeInChunks(profile, golden.slice(0, k), []);
        const into = k - Math.max(...boundaries.filter((b) => b <= k));
        const expected = into === 0 ? null : { code: into < size ? "eof.in-prefix" : "eof.in-body", offset: k };
        expect(error).toEqual(expected);
      }
    });

    test("limit: equal passes, one more is refused with the prefix alone, whatever follows", () => {
      const exact = concat([prefixOf(profile, 5n), new Uint8Array(5)]);
      expect(decodeInChunks(profile, exact, [], { maxFrameLength: 5 }).frames).toHaveLength(1);
      const widest = 2n ** BigInt(8 * (lead === "length" ? size : size - 1));
      const lengths = [6n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].filter(
        (n) => n < widest,
      );
      for (const length of lengths) {
        const stream = concat([exact, prefixOf(profile, length)]);
        const refused = { code: "oversize.declared", offset: exact.length + size };
        for (let cut = exact.length; cut <= stream.length; cut++) {
          const { frames, error } = decodeInChunks(profile, stream, [cut], { maxFrameLength: 5 });
          expect([frames.length, error]).toEqual([1, refused]);
        }
        const decoder = new FrameDecoder(profile, { maxFrameLength: 5 });
        expect(decoder.push(stream).error).toMatchObject({ code: "oversize.declared", fatal: true, fault: "peer" });
      }
    });

    test("a length within the limit that no buffer holds is refused with the prefix alone, as the caller's fault", () => {
      const good = concat([prefixOf(profile, 1n), hex("aa")]);
      for (const maxFrameLength of [2 ** 31, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER]) {
        const ceiling = lead === "length" && size === 8 ? maxFrameLength : Math.min(maxFrameLength, 2 ** 32 - 1);
        for (const length of [2 ** 31, ceiling]) {
          const stream = concat([good, prefixOf(profile, BigInt(length))]);
          for (let cut = 0; cut <= stream.length; cut++) {
            const decoder = new FrameDecoder(profile, { maxFrameLength });
            decoder.push(stream.slice(0, cut));
            const { error } = decoder.push(stream.slice(cut));
            expect(error).toMatchObject({
              code: "oversize.declared",
              fault: "caller",
              fatal: true,
              offset: stream.length,
            });
            expect(error?.message).toContain(`at most 2147483647 bytes, a length of ${length} came`);
            // No more than the good frame took.
            expect(decoder.memory.held).toBeLessThanOrEqual(4096);
          }
        }
      }
    });

    test("2^31 - 1 is the longest payload that is waited for, and 2^31 is the peer's fault under that limit", () => {
      for (const maxFrameLength of [2 ** 31 - 1, Number.MAX_SAFE_INTEGER]) {
        const decoder = new FrameDecoder(profile, { maxFrameLength });
        expect([decoder.push(prefixOf(profile, 2n ** 31n - 1n)).error, decoder.midFrame]).toEqual([null, true]);
      }
      const decoder = new FrameDecoder(profile, { maxFrameLength: 2 ** 31 - 1 });
      expect(decoder.push(prefixOf(profile, 2n ** 31n)).error).toMatchObject({
        code: "oversize.declared",
        fault: "peer",
      });
    });

    test("what was read when a prefix is refused ends with it, for every pair of cuts", () => {
      const good = concat([prefixOf(profile, 1n), hex("aa")]);
      const bad = lead === "flag" ? [prefixOf(profile, 6n), hex("01"), hex("ff")] : [prefixOf(profile, 6n)];
      for (const prefix of bad) {
        const stream = concat([good, prefix, hex("000000000000000000")]);
        const end = good.length + prefix.length;
        for (let a = 0; a <= stream.length; a++) {
          for (let b = a; b <= stream.length; b++) {
            const decoder = new FrameDecoder(profile, { maxFrameLength: 5 });
            const read = [stream.slice(0, a), stream.slice(a, b), stream.slice(b)].map((c) => decoder.push(c).consumed);
            const sum = read.reduce((all, each) => all + each);
            expect([sum, decoder.offset, decoder.error?.offset, decoder.midFrame]).toEqual([end, end, end, false]);
          }
        }
      }
    });

    test("a loop of one frame at a time ends at a refused prefix, having taken what came before it", () => {
      const stream = concat([golden, prefixOf(profile, 6n), golden]);
      const decoder = new FrameDecoder(profile, { maxFrameLength: 5 });
      let frames = 0;
      let from = 0;
      for (let pushes = 0; from < stream.length && decoder.error === null; pushes++) {
        expect(pushes).toBeLessThan(4);
        const batch = decoder.push(stream, from, 1);
        frames += batch.count;
        from = batch.consumed;
      }
      expect([frames, from]).toEqual([3, golden.length + size]);
      expect([decoder.push(stream, from).consumed, decoder.offset]).toEqual([from, from]);
    });

    test("error.sticky: nothing comes after an error, and the error stays", () => {
      const decoder = new FrameDecoder(profile, { maxFrameLength: 2 });
      const { error } = decoder.push(golden);
      expect(error?.code).toBe("oversize.declared");
      const again = decoder.push(hex(GOLDEN[profile].stream));
      expect([again.count, again.error, decoder.error, decoder.end()]).toEqual([0, error, error, error]);
    });

    test("limit.allocation: a promise of 2 GiB costs nothing; the buffer grows with what arrives", () => {
      const decoder = new FrameDecoder(profile, { maxFrameLength: Number.MAX_SAFE_INTEGER });
      decoder.push(prefixOf(profile, 2n ** 31n - 1n));
      decoder.push(new Uint8Array(1000));
      expect(decoder.memory.held).toBeLessThan(1 << 20);
      expect(decoder.memory.copied).toBe(1000);
      expect(decoder.end()?.code).toBe("eof.in-body");
    });

    test("maxFrames stops between frames and the rest can be pushed from there", () => {
      const decoder = new FrameDecoder(profile);
      const first = decoder.push(golden, 0, 1);
      expect([first.count, first.consumed]).toEqual([1, size + 3]);
      const rest = decoder.push(golden, first.consumed);
      expect([rest.count, rest.at(1), text(rest.view(1))]).toEqual([2, golden.length, "Bob"]);
    });
  });
}

test("a gathered frame stays valid while the next one is gathered from the same chunk", () => {
  const stream = concat([1, 2].flatMap((byte) => new FrameEncoder("len64").encode(new Uint8Array(100).fill(byte))));
  const decoder = new FrameDecoder("len64");
  decoder.push(stream.slice(0, 50));
  const batch = decoder.push(stream.slice(50, 180));
  expect([...batch.view(0)]).toEqual(Array(100).fill(1));
});

test("take hands a gathered buffer over, and the decoder goes on with one of its own", () => {
  const encoder = new FrameEncoder("len32");
  const stream = concat([1, 2, 3].flatMap((byte) => encoder.encode(new Uint8Array(100_000).fill(byte))));
  const decoder = new FrameDecoder("len32");
  const kept: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += 30_000) {
    const batch = decoder.push(stream.slice(at, at + 30_000));
    for (let i = 0; i < batch.count; i++) kept.push(batch.take(i));
  }
  expect(kept.map((k) => [k.length, k[0], k[99_999]])).toEqual([1, 2, 3].map((byte) => [100_000, byte, byte]));
});

test("a chunk is never written to, and a frame inside one chunk is not copied", () => {
  const chunk = hex(GOLDEN.len64.stream);
  const batch = new FrameDecoder("len64").push(chunk);
  expect(chunk).toEqual(hex(GOLDEN.len64.stream));
  expect(batch.view(0).buffer).toBe(chunk.buffer);
});

test("grpc.flag.before-length: flags are judged on their own byte, 1 as a codec, others as reserved", () => {
  for (const [flag, code] of [
    [1, "codec.unsupported"],
    [2, "flags.reserved"],
    [255, "flags.reserved"],
  ] as const) {
    const good = hex("0000000001aa");
    for (const tail of [[flag], [flag, 0xff, 0xff, 0xff, 0xff, 1]]) {
      const stream = concat([good, Uint8Array.from(tail)]);
      for (let cut = 0; cut <= stream.length; cut++) {
        expect(new FrameDecoder("grpc-lpm").push(stream).error?.fault).toBe("peer");
        const { frames, error } = decodeInChunks("grpc-lpm", stream, [cut]);
        expect([frames.length, error]).toEqual([1, { code, offset: 7 }]);
      }
    }
  }
});

test("an error names what was expected, what came and where, with the exact length", () => {
  const { error } = new FrameDecoder("len64", { maxFrameLength: 1024 }).push(hex("ffffffffffffffff"));
  expect(error?.message).toBe(
    "[oversize.declared] expected a payload of at most 1024 bytes, a length of 18446744073709551615 came, at byte 8 of the stream",
  );
});

test("a push after end() is the caller's fault", () => {
  const decoder = new FrameDecoder("len32");
  decoder.end();
  expect(() => decoder.push(new Uint8Array(1))).toThrow("[state] expected no bytes after end()");
});

test("a limit is a count, as a number or a bigint", () => {
  for (const maxFrameLength of [0, 0n, 2 ** 53 - 1, 2n ** 53n - 1n]) {
    for (const coder of [FrameDecoder, FrameEncoder]) {
      expect(new coder("len64", { maxFrameLength }).maxFrameLength).toBe(Number(maxFrameLength));
    }
  }
  for (const wrong of [-1, -1n, 0.5, 2 ** 53, 2n ** 53n, Number.NaN, null, "", "5", true]) {
    const maxFrameLength = wrong as number;
    for (const coder of [FrameDecoder, FrameEncoder]) {
      expect(() => new coder("len64", { maxFrameLength })).toThrow("[state] maxFrameLength: expected an integer");
    }
  }
});

test("a push from where the chunk is not, or for what is no number of frames, is refused and changes nothing", () => {
  const decoder = new FrameDecoder("len32");
  const chunk = hex("00000000");
  for (const from of [-1, 5, 0.5, Number.NaN]) {
    expect(() => decoder.push(chunk, from)).toThrow("[state] expected a range within the 4 bytes of the buffer");
  }
  for (const most of [-1, 0.5, Number.NaN]) {
    expect(() => decoder.push(chunk, 0, most)).toThrow("[state] maxFrames: expected an integer");
  }
  expect(decoder.push(chunk, 4).consumed).toBe(4);
  expect([decoder.push(chunk).count, decoder.offset]).toEqual([1, 4]);
});

test("skip() counts bytes that another decoder read between frames, in offsets and errors", () => {
  const decoder = new FrameDecoder("len64");
  decoder.skip(40);
  const batch = decoder.push(hex("0000000000000001 aa 00"));
  expect([batch.at(0), decoder.offset]).toEqual([49, 50]);
  expect(() => decoder.skip(1)).toThrow("[state] expected skip() between frames");
  expect(() => new FrameDecoder("len64").skip(-1)).toThrow("[state] bytes: expected an integer");
  expect(decoder.end()?.offset).toBe(50);
});

test("copy and take own their bytes, also when the chunk is a Node Buffer, whose slice() is a view", () => {
  for (const way of ["copy", "take"] as const) {
    const chunk = Buffer.from("00000002abcd", "hex");
    const kept = new FrameDecoder("len32").push(chunk)[way](0);
    chunk.fill(0);
    expect(Buffer.from(kept).toString("hex")).toBe("abcd");
  }
});

test("a push that may take no frame reads nothing, inside a frame too", () => {
  const decoder = new FrameDecoder("len32");
  decoder.push(hex("00000002 aa"));
  const batch = decoder.push(hex("bb"), 0, 0);
  expect([batch.count, batch.consumed, decoder.offset]).toEqual([0, 0, 5]);
  expect(decoder.push(hex("bb")).count).toBe(1);
});

test("a payload that lies in one chunk is lent from there, though its prefix was split", () => {
  for (const tail of ["", "00"]) {
    const decoder = new FrameDecoder("len32");
    decoder.push(hex("0000"));
    const chunk = hex(`0002 aabb ${tail}`);
    const batch = decoder.push(chunk);
    expect(batch.buffer(0)).toBe(chunk);
    expect([batch.start(0), batch.end(0)]).toEqual([2, 4]);
  }
});

test("a length of more than 24 bits is no tag", () => {
  const length = 2 ** 24 + 1;
  const batch = new FrameDecoder("len32", { maxFrameLength: 2 ** 25 }).push(
    concat([hex("01000001"), new Uint8Array(length)]),
  );
  expect([batch.count, batch.lead(0), batch.end(0) - batch.start(0)]).toEqual([1, 0, length]);
});

test("a refused length is named without the tag or flag before it", () => {
  for (const [profile, prefix, length] of [
    ["len56-tagged", "ff ffffffffffffff", "72057594037927935"],
    ["grpc-lpm", "00 ffffffff", "4294967295"],
  ] as const) {
    const { error } = new FrameDecoder(profile, { maxFrameLength: 16 }).push(hex(prefix));
    expect(error?.message).toContain(`a length of ${length} came`);
  }
});

test("a limit of 0 accepts empty frames alone", () => {
  const decoder = new FrameDecoder("len32", { maxFrameLength: 0 });
  expect(decoder.push(hex("00000000")).count).toBe(1);
  expect(decoder.push(hex("00000001")).error?.code).toBe("oversize.declared");
});

test("large frames that come in pieces are gathered in one buffer, not in two by turns", () => {
  const KIB = 1024;
  const stream = Buffer.concat(
    Array.from({ length: 6 }, () => new FrameEncoder("len32").encode(new Uint8Array(256 * KIB))).flat(),
  );
  const decoder = new FrameDecoder("len32");
  for (let at = 0; at < stream.length; at += 60 * KIB) decoder.push(stream.subarray(at, at + 60 * KIB));
  expect(decoder.end()).toBeNull();
  expect(decoder.memory.held).toBeLessThan(2 * 256 * KIB);
});

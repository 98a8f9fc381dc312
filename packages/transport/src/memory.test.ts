import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { memoryPair } from "./memory.ts";
import { pattern, readBytes, text, turns } from "./pairs.ts";

describe("memoryPair", () => {
  test("chunking splits what is read", async () => {
    const [a, b] = memoryPair({ chunking: () => 3 });
    await a.write([text("abcdefgh")]);
    await a.end();
    const reads: string[] = [];
    for (let chunk = await b.read(); chunk !== null; chunk = await b.read()) reads.push(Buffer.from(chunk).toString());
    expect(reads).toEqual(["abc", "def", "gh"]);
  });

  test("chunking glues what was written apart", async () => {
    const [a, b] = memoryPair({ chunking: (available) => (available < 6 ? 0 : available) });
    for (const part of ["ab", "cd", "ef"]) {
      await a.write([text(part)]);
      await turns(2);
    }
    expect(Buffer.from((await b.read())!).toString()).toBe("abcdef");
  });

  test("what chunking holds back comes at the end, and when nothing more fits", async () => {
    const [a, b] = memoryPair({ chunking: () => 0, capacity: 8 });
    const sending = a.write([text("0123456789")]).then(() => a.end());
    expect((await readBytes(b)).toString()).toBe("0123456789");
    await sending;
    expect(b.counters.reads).toBe(2);
  });

  test("any writes through any pipe in any chunks arrive as they were", async () => {
    const shape = fc.record({
      lengths: fc.array(fc.array(fc.nat(300), { maxLength: 4 }), { maxLength: 20 }),
      capacity: fc.integer({ min: 1, max: 500 }),
      maxBufferedWrite: fc.integer({ min: 1, max: 200 }),
      maxBufferedRead: fc.integer({ min: 1, max: 1000 }),
      gatherBelow: fc.integer({ min: 1, max: 300 }),
      chunks: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ lengths, capacity, chunks, ...limits }) => {
        let turn = 0;
        const chunking = () => chunks[turn++ % chunks.length]!;
        const [a, b] = memoryPair({ capacity, chunking, limits });
        const messages = lengths.map((parts, i) => parts.map((length) => pattern(length, i)));
        const sending = Promise.all([...messages.map((parts) => a.write(parts)), a.end()]);
        const got = await readBytes(b);
        await sending;
        expect(Buffer.compare(got, Buffer.concat(messages.flat()))).toBe(0);
        expect(a.counters.peakBufferedWrite).toBeLessThanOrEqual(limits.maxBufferedWrite);
        expect(b.counters.peakBufferedRead).toBeLessThanOrEqual(Math.max(limits.maxBufferedRead, capacity));
      }),
      { numRuns: 200 },
    );
  });
});

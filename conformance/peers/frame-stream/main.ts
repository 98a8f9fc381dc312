import type { Transform } from "node:stream";
import { finished } from "node:stream/promises";
import { decode, encode } from "frame-stream";
import manifest from "frame-stream/package.json" with { type: "json" };
import { Declined, type Decoder, type Found, serve } from "../shims/iut.ts";

/** What a Transform gives for one write, or for its end. */
async function pass(transform: Transform, chunk: Buffer | undefined): Promise<Found[]> {
  const found: Found[] = [];
  if (transform.destroyed) return found;
  const data = (payload: Buffer) => found.push({ payload });
  transform.on("data", data);
  try {
    if (chunk === undefined) await finished(transform.end());
    else await new Promise<void>((done, fail) => transform.write(chunk, (error) => (error ? fail(error) : done())));
  } catch (error) {
    found.push({ word: "oversize", text: (error as Error).message });
  }
  // One turn of the loop, in which the stream emits what it holds.
  await new Promise(setImmediate);
  transform.off("data", data);
  return found;
}

function open(limit: number): Decoder {
  if (limit === 0) throw new Declined("limit", "0 is no limit to this library");
  const transform = decode({ maxSize: limit }).on("error", () => {});
  return { feed: (chunk) => pass(transform, chunk), end: () => pass(transform, undefined) };
}

await serve({
  iut: { name: manifest.name, version: manifest.version, language: "javascript" },
  granularity: "stage",
  profile: "len32",
  maxFrameLength: 2 ** 32 - 1,
  open,
  async encode(payload) {
    const [frame] = await pass(encode(), payload);
    if (frame === undefined || "word" in frame) throw new Error("no frame");
    return Buffer.from(frame.payload);
  },
});

/** One encoder on one payload size, in a process of its own: `encode-case.ts NAME SIZE`; prints one JSON line. */
import { ENCODERS } from "./encoders.ts";

const RUNS = 9;
const WARM_UPS = 2;

const [name = "", size = ""] = process.argv.slice(2);
const contestant = ENCODERS[name];
if (contestant === undefined) throw new Error(`expected one of ${Object.keys(ENCODERS).join(", ")}, got "${name}"`);
const payload = new Uint8Array(Number(size)).fill(7);
const count = Math.max(4, Math.min(200_000, Math.floor((32 * 1024 * 1024) / payload.length)));

const times: number[] = [];
for (let run = 0; run < RUNS + WARM_UPS; run++) {
  const from = Bun.nanoseconds();
  const bytes = contestant.encode(payload, count);
  const ns = (Bun.nanoseconds() - from) / count;
  const expected = count * (payload.length + contestant.prefix(payload.length));
  if (bytes !== expected) throw new Error(`${name} at ${size} B: expected ${expected} bytes, got ${bytes}`);
  if (run >= WARM_UPS) times.push(ns);
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({ name, size: payload.length, ns: times[times.length >> 1] }));

/** One decoder on one workload, in a process of its own: `decode-case.ts NAME SIZE CHUNKING`; prints one JSON line. */
import { CONTESTANTS, type Tally } from "./decoders.ts";
import { type Chunking, workload } from "./streams.ts";

const RUNS = 7;
const WARM_UPS = 2;
/** A quadratic decoder may take minutes on one stream: it is stopped here and judged by what it had read. */
const BUDGET_MS = 1500;

const [name = "", size = "", chunking = ""] = process.argv.slice(2);
const contestant = CONTESTANTS[name];
if (contestant === undefined) throw new Error(`expected one of ${Object.keys(CONTESTANTS).join(", ")}, got "${name}"`);
const work = workload(Number(size), chunking as Chunking, contestant.prefixSize, contestant.prefix);

const rates: number[] = [];
let stopped = false;
for (let run = 0; run < RUNS + WARM_UPS && !(stopped && rates.length > 0); run++) {
  const tally: Tally = { count: 0, bytes: 0, checksum: 0 };
  const feed = contestant.start(tally);
  let fed = 0;
  const from = Bun.nanoseconds();
  for (const chunk of work.chunks) {
    feed(chunk);
    fed += chunk.length;
    if ((fed & 0xff) === 0 && Bun.nanoseconds() - from > BUDGET_MS * 1e6) break;
  }
  const ns = Bun.nanoseconds() - from;
  stopped = fed < work.stream.length;
  if (!stopped && name !== "Buffer.copy") {
    const { count, checksum } = work;
    if (tally.count !== count || tally.checksum !== checksum || tally.bytes !== count * work.size) {
      throw new Error(
        `${name} at ${size} B: expected ${count} frames, checksum ${checksum}; got ${JSON.stringify(tally)}`,
      );
    }
  }
  const payload = (fed / work.stream.length) * work.count * work.size;
  if (run >= WARM_UPS || stopped) rates.push((payload / ns) * 1e3);
}
rates.sort((a, b) => a - b);
console.log(JSON.stringify({ name, size: Number(size), chunking, mbps: rates[rates.length >> 1], stopped }));

import type { Mutant } from "../mutant.ts";
import { everyPrefix } from "./rules.ts";

const SLAB = "packages/framing/src/slab.ts";
const ROOM = "grown = new Uint8Array(Math.min(doubled, Math.max(declared, FIRST_CAPACITY)));";

/** What a peer's word costs: seen by the memory reports of level 3. */
export const MEMORY: readonly Mutant[] = [
  {
    id: "memory/declared-at-once",
    rules: [
      ...everyPrefix("limit.allocation"),
      "tp.infer.limit-allocation",
      "pp.limit.allocation",
      "iut.probe.memory.bound",
    ],
    file: SLAB,
    find: ROOM,
    replace: "grown = new Uint8Array(Math.max(declared, FIRST_CAPACITY));",
    why: "Room for a payload is taken when its prefix comes, as long as the prefix says.",
    defect: "cmu-sei/Polar#244",
  },
  {
    id: "memory/eighth-at-once",
    rules: [...everyPrefix("limit.allocation"), "tp.infer.limit-allocation", "pp.limit.allocation"],
    file: SLAB,
    find: "const doubled = Math.max(length * 2, FIRST_CAPACITY);",
    replace: "const doubled = Math.max(length * 2, Math.ceil(declared / 8), FIRST_CAPACITY);",
    why: "An eighth of what the prefix says is taken at once.",
  },
  {
    id: "memory/grows-by-pieces",
    rules: ["iut.probe.memory.linear"],
    file: SLAB,
    find: "const doubled = Math.max(length * 2, FIRST_CAPACITY);",
    replace: "const doubled = Math.max(length + 64, FIRST_CAPACITY);",
    why: "The buffer grows by a small piece each time: the cost of single bytes is that of their square.",
    defect: "anomalyco/opencode#44630",
  },
];

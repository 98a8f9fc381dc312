import { preparePpRequest, preparePpResult } from "@tensorwire/pp-contract";
import { prepareTp } from "@tensorwire/tp-control";
import { makeTensor } from "./content.ts";
import type { Trouble } from "./link-proxy.ts";
import { LEADER, type RankConfig } from "./rank-config.ts";

/** The ranks of a run: a driver, a leader, two workers. */
export const RANKS = [0, LEADER, 2, 3] as const;

/** One run: what goes wrong, where and when. Without a fault every call must be answered. */
export interface Plan {
  readonly name: string;
  readonly calls: number;
  /** int64 values of each tensor. */
  readonly length: number;
  readonly cutEvery: number;
  readonly window: number;
  readonly fault?: NonNullable<RankConfig["fault"]> & { readonly rank: number };
  /** On the link to `rank`, which listens on it. */
  readonly trouble?: Trouble & { readonly rank: number };
}

/** Bytes of the messages of a run with tensors of `length` values, and where their parts begin. */
export function sizes(length: number) {
  const ids = { call_id: 2n, chunk_index: 1n, control_epoch: 2n, cache_epoch: 1n };
  const header = { ...ids, action: "INFER" } as const;
  const tensor = (key: string, rank: number) => [makeTensor(key, { ...ids, rank }, length)];
  const lm = { position: 2, num_tokens: length, init_cache: false };
  const tp = prepareTp({ header, manifest: { kwargs: { call_id: 2 } }, tensors: tensor("input_ids", 0) }).byteLength;
  const request = preparePpRequest({ header, step: { lm }, tensors: tensor("input_ids", 0) }).byteLength;
  const result = preparePpResult({ ...ids, tensors: tensor("out", LEADER) }).byteLength;
  return { tp, request, result };
}

const base = { calls: 40, length: 64, cutEvery: 16, window: 3 };
const CALL = 7;

/** Where a sender dies in a message of `size` bytes that begins with a header. */
function steps(size: number): [string, number][] {
  return [
    ["before the header", 0],
    ["inside the header", 17],
    ["between header and frame", 40],
    ["inside the manifest", 60],
    ["inside a tensor", size - 100],
    ["behind the message", size],
  ];
}

function kills(): Plan[] {
  const { tp, request, result } = sizes(base.length);
  const kill = (who: string, rank: number, peer: number, message: number, parts: [string, number][]) =>
    parts.map(
      ([where, bytes]): Plan => ({
        ...base,
        name: `${who} killed ${where}`,
        fault: { rank, peer, act: "kill", quota: { on: "write", message, bytes } },
      }),
    );
  const read = (where: string, bytes: number): Plan => ({
    ...base,
    name: `worker killed ${where}`,
    fault: { rank: 2, peer: LEADER, act: "kill", quota: { on: "read", bytes } },
  });
  return [
    ...kill("driver", 0, LEADER, CALL, steps(request)),
    ...kill("leader", LEADER, 2, CALL, steps(tp)),
    ...kill("leader", LEADER, 0, CALL, [
      ["before the result", 0],
      ["inside the result", result - 100],
      ["behind the result", result],
    ]),
    read("at the first byte", 1),
    read("between header and frame", CALL * tp + 40),
    read("inside a tensor", CALL * tp - 100),
    read("behind the message", CALL * tp),
  ];
}

function cuts(): Plan[] {
  const { tp, request } = sizes(base.length);
  return (["reset", "silence"] as const).flatMap((act): Plan[] => [
    {
      ...base,
      name: `driver-leader link: ${act} inside a request`,
      trouble: { rank: LEADER, act, at: CALL * request - 90 },
    },
    {
      ...base,
      name: `driver-leader link: ${act} between requests`,
      trouble: { rank: LEADER, act, at: CALL * request },
    },
    { ...base, name: `leader-worker link: ${act} inside a message`, trouble: { rank: 2, act, at: CALL * tp - 90 } },
    { ...base, name: `leader-worker link: ${act} between messages`, trouble: { rank: 2, act, at: CALL * tp } },
  ]);
}

function pressure(): Plan[] {
  // 512 KiB each: a few fill what the kernel and the connection hold.
  const large = { calls: 40, length: 64 * 1024, cutEvery: 16, window: 3 };
  const { tp, request } = sizes(large.length);
  const stall = (name: string, rank: number, peer: number, bytes: number): Plan => ({
    ...large,
    name,
    fault: { rank, peer, act: "stall", quota: { on: "read", bytes } },
  });
  return [
    stall("full send buffer: a worker is stopped", 2, LEADER, 3 * tp),
    stall("full send buffer: the leader is stopped", LEADER, 0, 3 * request),
    { ...large, name: "leader-worker link: silence, large tensors", trouble: { rank: 2, act: "silence", at: 3 * tp } },
    { ...large, calls: 5, name: "slow reader: a worker behind a slow link", trouble: { rank: 2, act: "slow", at: 0 } },
    {
      ...large,
      calls: 5,
      name: "slow reader: a leader behind a slow link",
      trouble: { rank: LEADER, act: "slow", at: 0 },
    },
  ];
}

/** The rows of the table. `quick` takes one of each kind. */
export function namedPlans(quick: boolean): Plan[] {
  const all = [{ ...base, name: "no fault" }, ...kills(), ...cuts(), ...pressure()];
  const few = ["no fault", "inside a tensor", "inside the result", "inside a message", "worker is stopped"];
  return quick ? all.filter(({ name }) => few.some((part) => name.includes(part))) : all;
}

/** A run with a fault that `random` (0 to 1) chose, of at most `calls` calls. */
export function randomPlan(number: number, calls: number, random: () => number): Plan {
  const pick = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const length = pick(8, 256);
  const { tp, request, result } = sizes(length);
  const common = { calls, length, cutEvery: pick(2, 40), window: pick(1, 4) };
  const call = pick(1, calls);
  const name = `random ${number}`;
  const kill = (rank: number, peer: number, size: number): Plan => ({
    ...common,
    name: `${name}: kill rank ${rank} in what it sends to ${peer}`,
    fault: { rank, peer, act: "kill", quota: { on: "write", message: call, bytes: pick(0, size) } },
  });
  const atRead = (act: "kill" | "stall", rank: number, peer: number, size: number): Plan => ({
    ...common,
    name: `${name}: ${act} rank ${rank} in what it reads from ${peer}`,
    fault: { rank, peer, act, quota: { on: "read", bytes: pick(1, call * size) } },
  });
  const trouble = (rank: number, act: "reset" | "silence", size: number): Plan => ({
    ...common,
    name: `${name}: ${act} on the link to rank ${rank}`,
    trouble: { rank, act, at: pick(1, call * size) },
  });
  const worker = pick(2, 3);
  const kinds = [
    () => kill(0, LEADER, request),
    () => kill(LEADER, worker, tp),
    () => kill(LEADER, 0, result),
    () => atRead("kill", worker, LEADER, tp),
    () => atRead("kill", LEADER, 0, request),
    () => atRead("stall", LEADER, 0, request),
    () => trouble(LEADER, "reset", request),
    () => trouble(LEADER, "silence", request),
    () => trouble(worker, "reset", tp),
    () => trouble(worker, "silence", tp),
    () => ({ ...common, name: `${name}: no fault` }),
  ];
  return kinds[pick(0, kinds.length - 1)]!();
}

import { DEFAULT_LIMITS } from "@tensorwire/transport";
import { LinkProxy } from "./link-proxy.ts";
import { type Plan, RANKS } from "./plan.ts";
import { helloLength, LEADER, type RankEnd } from "./rank-config.ts";
import type { Ending, RankPool, RankProcess } from "./rank-process.ts";

/** One line of the table. */
export interface Row {
  readonly fault: string;
  /** Calls that were made. */
  readonly calls: number;
  /** From the fault to the end of the first rank that saw it, and of the last one, in milliseconds. Null without a fault. */
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  /** What each rank saw: `2 SHUTDOWN`. */
  readonly saw: readonly string[];
  /** Ranks that were still there at the deadline. */
  readonly stranded: number;
  /** Tensors that were not what their sender made. */
  readonly torn: number;
  /** Tensors or results that came twice. */
  readonly duplicated: number;
  /** Calls of the driver that came to no end. */
  readonly hung: number;
  /** The most that one connection of any rank held, in KiB, and the largest process, in MiB. */
  readonly bufferedKiB: number;
  readonly rssMiB: number;
  /** What was not as it must be, in words. */
  readonly wrong: readonly string[];
}

/** For every rank to be gone, in milliseconds from the start: far above all that the ranks wait. */
const DEADLINE_MS = 20_000;
/**
 * What a connection may hold each way: the limits of the transport. A socket that was just paused still hands over one chunk (512 KiB) that it
 * had begun to read.
 */
const MOST_BUFFERED = { read: DEFAULT_LIMITS.maxBufferedRead + 512 * 1024, write: DEFAULT_LIMITS.maxBufferedWrite };

/** A rank takes some 70 MiB to begin with, and 20 more with tensors of 512 KiB. */
const MOST_RSS_MIB = 256;

/** Starts the ranks, lets the fault happen, waits for every process to end, and says what was seen. */
export async function runPlan(plan: Plan, pool: RankPool, deadlineMs = DEADLINE_MS): Promise<Row> {
  const ranks = new Map<number, RankProcess>(RANKS.map((rank) => [rank, pool.take()]));
  const proxies: LinkProxy[] = [];
  try {
    return await run(plan, ranks, proxies, deadlineMs);
  } finally {
    for (const rank of ranks.values()) rank.kill();
    for (const proxy of proxies) proxy.close();
  }
}

async function run(plan: Plan, ranks: ReadonlyMap<number, RankProcess>, proxies: LinkProxy[], deadlineMs: number) {
  let began: number | null = null;
  const begin = (rank: number, connect: readonly { rank: number; address: string }[]) => {
    const { calls, length, cutEvery, window, fault } = plan;
    const own = fault?.rank === rank ? { fault } : {};
    ranks.get(rank)!.begin({ rank, connect, calls, length, cutEvery, window, ...own });
  };
  const reach = async (rank: number) => {
    const address = await ranks.get(rank)!.ready;
    if (plan.trouble?.rank !== rank) return { rank, address };
    const trouble = { ...plan.trouble, at: plan.trouble.at + helloLength(rank) };
    const proxy = await LinkProxy.start(address, trouble, () => {
      began ??= performance.now();
    });
    proxies.push(proxy);
    return { rank, address: proxy.address };
  };
  const workers = RANKS.filter((rank) => rank > LEADER);
  for (const rank of workers) begin(rank, []);
  begin(LEADER, await Promise.all(workers.map(reach)));
  begin(0, [await reach(LEADER)]);

  for (const rank of ranks.values()) void rank.stalled.then((at) => (began ??= at));
  const late = Bun.sleep(deadlineMs).then(() => null);
  const endings = new Map<number, Ending | null>();
  await Promise.all(
    [...ranks].map(async ([number, rank]) => {
      // A rank that was stopped, and keeps its connections, is the fault: it does not end by itself.
      const stuck = plan.fault?.act === "stall" && plan.fault.rank === number;
      endings.set(number, stuck ? null : await Promise.race([rank.ended, late]));
    }),
  );
  return judge(plan, endings, began);
}

function judge(plan: Plan, endings: ReadonlyMap<number, Ending | null>, begun: number | null): Row {
  const { fault } = plan;
  const victim = fault?.rank ?? -1;
  const killed = endings.get(victim);
  const began = begun ?? (killed?.signal === "SIGKILL" ? killed.at : null);
  const others = [...endings].filter(([rank]) => rank !== victim);
  const ends = [...endings.values()].flatMap((ending): RankEnd[] => (ending?.end == null ? [] : [ending.end]));
  const sum = (pick: (end: RankEnd) => number) => ends.reduce((total, end) => total + pick(end), 0);
  const most = (pick: (end: RankEnd) => number) => Math.max(0, ...ends.map(pick));
  const times = others.flatMap(([, ending]) =>
    ending === null || began === null ? [] : [Math.max(0, ending.at - began)],
  );
  const driver = endings.get(0)?.end ?? null;
  const answered = driver?.answered;
  const made = answered === undefined ? 0 : answered.ok + answered.error + answered.stale + answered.lost;

  const wrong = others.flatMap(([rank, ending]) => {
    if (ending === null) return [`rank ${rank} did not end`];
    return ending.end === null ? [`rank ${rank} crashed: ${ending.stderr || ending.signal}`] : [];
  });
  if (most((end) => end.peakRead) > MOST_BUFFERED.read) wrong.push("a connection held more than it may read ahead");
  if (most((end) => end.peakWrite) > MOST_BUFFERED.write) wrong.push("a connection held more than it may write behind");
  if (most(({ rssMiB }) => rssMiB) > MOST_RSS_MIB) wrong.push(`a rank held more than ${MOST_RSS_MIB} MiB`);
  // Where nothing broke, nothing may be lost: a driver that was done has an end for each call, and none of them an error.
  if (began === null && (driver?.saw !== "done" || made !== plan.calls || answered!.error + answered!.lost > 0)) {
    wrong.push(`without a fault, the driver saw ${driver?.saw} and ${JSON.stringify(answered)}`);
  }
  return {
    fault: plan.name,
    calls: Math.max(made, ...ends.map(({ calls }) => calls)),
    firstMs: times.length === 0 ? null : Math.round(Math.min(...times)),
    lastMs: times.length === 0 ? null : Math.round(Math.max(...times)),
    saw: [...endings]
      .sort(([a], [b]) => a - b)
      .map(([rank, ending]) => `${rank} ${ending?.end?.saw ?? (rank === victim ? fault!.act : "nothing")}`),
    stranded: others.filter(([, ending]) => ending === null).length,
    torn: sum(({ torn }) => torn),
    duplicated: sum(({ duplicated }) => duplicated),
    hung: sum(({ open }) => open),
    bufferedKiB: Math.ceil(most(({ peakRead, peakWrite }) => Math.max(peakRead, peakWrite)) / 1024),
    rssMiB: most(({ rssMiB }) => rssMiB),
    wrong,
  };
}

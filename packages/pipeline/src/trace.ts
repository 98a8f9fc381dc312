/** What a call spent its time on in one process. Times are milliseconds since 1970, with fractions. */
export interface Span {
  /**
   * In a stage: `queue` (for its turn), `compute`, `send` (to the next stage, or back from the last one), `relay` (until the
   * result of the stages behind has been passed back). In the driver: `send`, `wait` (for the result), `sample`.
   */
  readonly name: "queue" | "compute" | "send" | "relay" | "wait" | "sample";
  readonly start: number;
  readonly end: number;
}

/** One call in one process. */
export interface CallRecord {
  /** Of the stage; null for the driver. */
  readonly rank: number | null;
  /** The driver's number of the lane. */
  readonly lane: number;
  readonly call_id: bigint;
  readonly num_tokens: number;
  readonly spans: readonly Span[];
}

/** The clock of all spans: that of `performance`, which every process of a machine can compare. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Notes the spans of one call, each from the end of the one before. */
export class Stopwatch {
  readonly spans: Span[] = [];
  #mark = now();

  lap(name: Span["name"]): void {
    const end = now();
    this.spans.push({ name, start: this.#mark, end });
    this.#mark = end;
  }
}

/** Gives the calls of a stage the driver's lane numbers, by call_id. */
export function joinLanes(records: readonly CallRecord[]): CallRecord[] {
  const lanes = new Map(records.filter(({ rank }) => rank === null).map(({ call_id, lane }) => [call_id, lane]));
  return records.map((record) => ({ ...record, lane: lanes.get(record.call_id) ?? record.lane }));
}

export interface StageTimes {
  readonly rank: number;
  /** Milliseconds in `compute`. */
  readonly busyMs: number;
  readonly calls: number;
}

export function stageTimes(records: readonly CallRecord[]): StageTimes[] {
  const ranks = new Set(records.map(({ rank }) => rank).filter((rank) => rank !== null));
  return [...ranks]
    .sort((a, b) => a - b)
    .map((rank) => {
      const own = records.filter((record) => record.rank === rank);
      const busyMs = own.flatMap(computeOf).reduce((sum, { start, end }) => sum + end - start, 0);
      return { rank, busyMs, calls: own.length };
    });
}

/** The part of the time with any stage in `compute` in which at least two were: 0 without overlap. */
export function overlapFraction(records: readonly CallRecord[]): number {
  const edges = records
    .filter(({ rank }) => rank !== null)
    .flatMap(computeOf)
    .flatMap(({ start, end }) => [
      { at: start, step: 1 },
      { at: end, step: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.step - b.step);
  let [running, last, any, several] = [0, 0, 0, 0];
  for (const { at, step } of edges) {
    if (running >= 1) any += at - last;
    if (running >= 2) several += at - last;
    running += step;
    last = at;
  }
  return any === 0 ? 0 : several / any;
}

function computeOf({ spans }: CallRecord): Span[] {
  return spans.filter(({ name }) => name === "compute");
}

/**
 * The records as JSON in Chrome's trace event format, for chrome://tracing or ui.perfetto.dev: a process for the driver and
 * for each stage, a thread for each lane.
 */
export function chromeTrace(records: readonly CallRecord[]): string {
  const origin = records.flatMap(({ spans }) => spans).reduce((first, { start }) => Math.min(first, start), Infinity);
  const microseconds = (ms: number) => Math.round(ms * 1000);
  const pidOf = (rank: number | null) => (rank === null ? 0 : rank + 1);
  const names = [...new Set(records.map(({ rank }) => rank))].map((rank) => ({
    name: "process_name",
    ph: "M",
    pid: pidOf(rank),
    tid: 0,
    args: { name: rank === null ? "driver" : `stage ${rank}` },
  }));
  const events = records.flatMap(({ rank, lane, call_id, num_tokens, spans }) =>
    spans.map(({ name, start, end }) => ({
      name,
      cat: "call",
      ph: "X",
      ts: microseconds(start - origin),
      dur: microseconds(end - start),
      pid: pidOf(rank),
      tid: lane,
      args: { call_id: String(call_id), num_tokens },
    })),
  );
  return `${JSON.stringify({ traceEvents: [...names, ...events] })}\n`;
}

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { takeTensors } from "@tensorwire/tensor-spec";
import { mulberry32 } from "@tensorwire/tensor-stage";
import { memoryPair } from "@tensorwire/transport";
import { HEAD, isWhole, makeTensor } from "./content.ts";
import { LimitedConnection } from "./limited-connection.ts";
import { namedPlans, type Plan, randomPlan, sizes } from "./plan.ts";
import { LEADER } from "./rank-config.ts";
import { RankPool } from "./rank-process.ts";
import { runPlan } from "./run-plan.ts";

// It starts processes.
setDefaultTimeout(60_000);

const origin = { call_id: 7n, chunk_index: 2n, rank: 1 };

/** A tensor as it arrives, with one byte altered if told. */
function arrived(length: number, alter?: number) {
  const { data } = makeTensor("x", origin, length);
  const { buffer } = data as BigInt64Array;
  const bytes = new Uint8Array(buffer.slice(0));
  if (alter !== undefined) bytes[alter]! ^= 1;
  const spec = { key: "x", dtype: "int64", shape: [length] } as const;
  return takeTensors([spec], [{ bytes }], () => {
    throw new Error("the parts fit their specs");
  })[0]!;
}

describe("a tensor of a fault run", () => {
  test("is whole only as its sender made it: no byte can change unseen", () => {
    const length = HEAD + 3;
    expect(isWhole(arrived(length), origin)).toBeTrue();
    for (let at = 0; at < length * 8; at++) expect(isWhole(arrived(length, at), origin)).toBeFalse();
    expect(isWhole({ ...arrived(HEAD), data: new Uint8Array((HEAD - 1) * 8) }, origin)).toBeFalse();
  });

  test("is of one call, chunk and rank", () => {
    const tensor = arrived(HEAD);
    for (const other of [{ call_id: 8n }, { chunk_index: 3n }, { rank: 2 }]) {
      expect(isWhole(tensor, { ...origin, ...other })).toBeFalse();
    }
  });
});

describe("a limited connection", () => {
  test("passes on exactly the bytes of its quota, in the message that it names, and then ends its owner", async () => {
    const [near, far] = memoryPair();
    const ended = Promise.withResolvers<void>();
    const limited = new LimitedConnection(near, { on: "write", message: 2, bytes: 3 }, ended.resolve);
    await limited.write([Uint8Array.of(1, 2)]);
    void limited.write([Uint8Array.of(3), Uint8Array.of(4, 5, 6)]);
    await ended.promise;
    near.abort();
    const came: number[] = [];
    await (async () => {
      for (let chunk = await far.read(); chunk !== null; chunk = await far.read()) came.push(...chunk);
    })().catch(() => {});
    expect(came).toEqual([1, 2, 3, 4, 5]);
  });

  test("ends its owner when so many bytes came", async () => {
    const [near, far] = memoryPair({ chunking: () => 2 });
    const ended = Promise.withResolvers<void>();
    const limited = new LimitedConnection(near, { on: "read", bytes: 3 }, ended.resolve);
    await far.write([Uint8Array.of(1, 2, 3, 4)]);
    expect(await limited.read()).toEqual(Uint8Array.of(1, 2));
    void limited.read();
    await ended.promise;
  });
});

describe("plans", () => {
  test("every fault's place is inside the run that has it", () => {
    for (const plan of namedPlans(false)) {
      const { tp, request, result } = sizes(plan.length);
      const { quota } = plan.fault ?? {};
      if (quota?.on === "write") expect(quota.bytes).toBeLessThanOrEqual(Math.max(tp, request, result));
      if (quota?.on === "read") expect(quota.bytes).toBeLessThan(plan.calls * Math.max(tp, request));
    }
    expect(namedPlans(true).length).toBeGreaterThan(4);
  });

  test("the same seed draws the same faults", () => {
    const draw = (seed: number) => {
      const random = mulberry32(seed);
      return Array.from({ length: 30 }, (_, i) => randomPlan(i, 100, random));
    };
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
  });
});

describe("a run", () => {
  let pool: RankPool;
  beforeAll(async () => {
    pool = await RankPool.start(4);
  });
  afterAll(() => pool[Symbol.dispose]());
  const plan = (name: string): Plan => namedPlans(false).find((each) => each.name === name)!;

  test("without a fault answers every call", async () => {
    const row = await runPlan({ ...plan("no fault"), calls: 20 }, pool);
    expect(row).toMatchObject({ calls: 20, stranded: 0, torn: 0, duplicated: 0, hung: 0, wrong: [], lastMs: null });
    expect(row.saw).toEqual(["0 done", "1 SHUTDOWN", "2 SHUTDOWN", "3 SHUTDOWN"]);
  });

  test("with a leader that is killed inside a tensor strands nobody", async () => {
    const row = await runPlan(plan("leader killed inside a tensor"), pool);
    expect(row).toMatchObject({ stranded: 0, torn: 0, duplicated: 0, hung: 0, wrong: [] });
    expect(row.saw).toContain("1 kill");
    expect(row.saw).toContain("2 lost 1: eof.in-body");
    expect(row.lastMs).toBeLessThan(10_000);
  });

  test("counts ranks that are left: a leader that is stopped, where workers would wait for ever", async () => {
    const stop = { rank: LEADER, peer: 2, act: "stall", quota: { on: "write", message: 3, bytes: 17 } } as const;
    const row = await runPlan({ ...plan("no fault"), name: "stop", fault: stop }, pool, 300);
    expect(row.stranded).toBe(3);
    expect(row.wrong).toContain("rank 3 did not end");
  });
});

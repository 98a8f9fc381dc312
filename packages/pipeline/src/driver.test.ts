import { expect, test } from "bun:test";
import { preparePpResult } from "@tensorwire/pp-contract";
import { Sampler } from "@tensorwire/tensor-stage";
import { Driver } from "./driver.ts";
import { patience, scriptedStage, somebody } from "./testing.ts";

async function saidBy(error_message: string): Promise<string> {
  await using stage = await scriptedStage(({ header }, connection) => {
    const { call_id, chunk_index, cache_epoch } = header;
    return connection.write(preparePpResult({ call_id, chunk_index, cache_epoch, ok: false, error_message }).buffers);
  });
  const driver = await Driver.open({ address: stage.address, rank: 1, identity: somebody, lanes: 1, ...patience });
  const job = { ids: Int32Array.of(1, 2), maxTokens: 1, context: 4, eos: null, sampler: new Sampler({ seed: 1 }) };
  const [decoded] = await driver.run([job]);
  expect(driver.openCalls).toEqual([{ call_id: 1n, error: (decoded!.error as Error).message }]);
  driver.abort("done");
  return (decoded!.error as Error).message;
}

test("what a stage says of a call is escaped, and cut where it is longer than any stage of ours says", async () => {
  expect(await saidBy("a\n\u202eb")).toBe(String.raw`a\u{a}\u{202e}b`);
  expect(await saidBy("x".repeat(1200))).toBe("x".repeat(1200));
  expect(await saidBy("x".repeat(1201))).toBe(`${"x".repeat(1200)}…`);
});

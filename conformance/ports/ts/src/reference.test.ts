import { expect, test } from "bun:test";
import { runInProcess } from "@tensorwire/conformance";
import { PROBES } from "@tensorwire/conformance/protocol";
import { reference } from "./index.ts";

test("the reference is conformant", async () => {
  const { exitCode, report } = await runInProcess(reference);
  const failed = report.outcomes.filter(({ verdict }) => !["pass", "warn", "not applicable"].includes(verdict));
  expect(failed.map(({ id, verdict, text }) => `${verdict} ${id} ${text ?? ""}`)).toEqual([]);
  expect(report.outcomes.length).toBeGreaterThan(20_000);
  // It declares every probe, so that none of them is not applicable by and large.
  for (const probe of PROBES) {
    const passed = report.outcomes.filter(({ id, verdict }) => id.includes(`#${probe}`) && verdict === "pass");
    expect([probe, passed.length > 30]).toEqual([probe, true]);
  }
  expect(exitCode).toBe(0);
}, 60_000);

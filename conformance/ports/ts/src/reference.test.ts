import { expect, test } from "bun:test";
import { runInProcess } from "@tensorwire/conformance";
import { reference } from "./index.ts";

test("the reference is conformant", async () => {
  const { exitCode, report } = await runInProcess(reference);
  const failed = report.outcomes.filter(({ verdict }) => !["pass", "warn", "not applicable"].includes(verdict));
  expect(failed.map(({ id, verdict, text }) => `${verdict} ${id} ${text ?? ""}`)).toEqual([]);
  expect(report.outcomes.length).toBeGreaterThan(20_000);
  expect(exitCode).toBe(0);
}, 60_000);

import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome } from "../verdict.ts";
import { html } from "./html.ts";
import { junit } from "./junit.ts";
import { paint } from "./paint.ts";
import { readReport } from "./read.ts";
import { jsonReport, type Report } from "./report.ts";
import { summary } from "./summary.ts";
import { sampleReport } from "./testing.ts";

const TEXT = "before step 4: rank 1 on a is stranded: its connection is open behind byte 91, and nothing more comes";

async function reportWith(...outcomes: readonly Partial<Outcome>[]): Promise<Report> {
  const report = await sampleReport("sample");
  const more = outcomes.map((given, i) => ({
    ...{ id: `wire/tp-session/x-${i}`, profile: "tp-session", verdict: "pass" as const },
    ...given,
  }));
  return { ...report, outcomes: [...report.outcomes, ...more] };
}

describe("r[iut.rank.not-stranded]: the number of stranded ranks", () => {
  test("is in every report, over all scenarios that were counted", async () => {
    const failed = { verdict: "fail", text: TEXT, stranded: 2 } as const;
    const report = await reportWith(
      { stranded: 0 },
      failed,
      { ...failed, stranded: 1 },
      { verdict: "timeout", text: "…" },
    );
    const json = jsonReport(report);
    expect(json.summary.stranded).toBe(3);
    expect(json.cases.filter(({ stranded }) => stranded !== undefined).map(({ stranded }) => stranded)).toEqual([2, 1]);
    expect(summary(report, paint(false))).toContain("ranks: 3 scenarios counted, 3 stranded");
    expect(junit(report)).toContain(TEXT);
    expect(html([json])).toContain("3 ranks were stranded");
    const file = join(mkdtempSync(join(tmpdir(), "tensorwire-")), "report.json");
    writeFileSync(file, JSON.stringify(json));
    expect(readReport(file).summary.stranded).toBe(3);
  });

  test("is nothing to talk about where no rank was played, and good news where none was stranded", async () => {
    expect(summary(await reportWith(), paint(false))).not.toContain("ranks:");
    const report = await reportWith({ stranded: 0 });
    expect(summary(report, paint(false))).toContain("ranks: 1 scenario counted, none stranded");
    expect(jsonReport(report).summary.stranded).toBe(0);
  });
});

import { expect, test } from "bun:test";
import { probed } from "../../liars/honest-probes.ts";
import { DEFAULT_CORPUS } from "../options.ts";
import { runInProcess } from "../run.ts";
import { paint } from "./paint.ts";
import { probesOf } from "./probes.ts";
import { jsonReport } from "./report.ts";
import { summary } from "./summary.ts";

test("a probe that is not declared is not claimed, and the summary says a word for each", async () => {
  const { hello, handle } = probed("drops-on-cancel");
  const iut = { hello: { ...hello, capabilities: ["poison", "cancel"] }, handle };
  const { report } = await runInProcess(iut, { corpus: DEFAULT_CORPUS, filter: "len32/hello*" });
  const words = probesOf(report).map(({ probe, word }) => [probe, word]);
  expect(words).toEqual([
    ["poison", "conformant"],
    ["cancel", "not conformant"],
    ["clock", "not claimed"],
    ["beside", "not claimed"],
  ]);
  expect(jsonReport(report).probes).toEqual(probesOf(report));
  const told = summary(report, paint(false));
  expect(told).toContain("probes: poison conformant · cancel not conformant · clock not claimed · beside not claimed");
  // Over the whole corpus, on a machine that may be busy.
}, 60_000);

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadCorpus } from "../src/corpus/index.ts";
import { DEFAULT_CORPUS } from "../src/options.ts";
import { PROBES } from "../src/protocol.ts";
import { runConformance, runInProcess } from "../src/run.ts";
import { type Bend, probed } from "./honest-probes.ts";
import { TOUCHES } from "./touches.ts";

setDefaultTimeout(60_000);

const corpus = loadCorpus(DEFAULT_CORPUS);
const run = (filter: string, bend?: Bend) => runInProcess(probed(bend), { corpus, profiles: ["len32"], filter });

describe("the honest one, that the liars differ from, passes", () => {
  for (const probe of PROBES) {
    test(probe, async () => {
      const { exitCode, report } = await run(`*#${probe}*`);
      const wrong = report.outcomes.filter(({ verdict }) => !["pass", "not applicable"].includes(verdict));
      expect(wrong.map(({ id, difference, text }) => `${id}: ${difference?.problem ?? text}`).slice(0, 5)).toEqual([]);
      expect(report.outcomes.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(3);
      expect(exitCode).toBe(0);
    });
  }
});

describe("a liar of level 3 is found out", () => {
  test.each<[string, Bend, string, RegExp]>([
    ["iut.probe.poison.recall", "hands-out-chunks", "*#poison", /other content/],
    ["iut.probe.poison.recall", "hands-out-its-buffer", "*#poison*", /other content/],
    ["iut.probe.poison.input", "swaps-in-place", "*#poison", /bytes in step \d+ has other content/],
    ["iut.probe.quota.same", "loses-the-rest", "*#quota=*", /bytes is missing/],
    ["iut.probe.quota.same", "begins-again", "*#quota=*", /other content/],
    ["iut.probe.quota.order", "jumps-the-queue", "*#quota=*,then=*", /other content/],
    ["iut.probe.cancel.nothing-lost", "drops-on-cancel", "*#cancel=*", /a message is missing|should give/],
    [
      "iut.probe.cancel.nothing-lost",
      "doubles-on-cancel",
      "*#cancel=*",
      /a message is missing|should give|other content/,
    ],
    ["iut.probe.clock.expired", "never-fires", "*#clock=*", /a deadline that passes is missing/],
    ["iut.probe.clock.read", "fires-early", "*#clock=*", /a deadline that passes in step \d+ should not be there/],
    ["iut.probe.clock.read", "waits-for-silence", "*#clock=trickle", /a deadline that passes is missing/],
    ["iut.probe.clock.write", "writes-late", "*#clock=write,*", /bytes in step \d+ should not be there/],
    ["iut.probe.memory.bound", "reserves", "*#memory=4294967295", /bytes are held, at most/],
    ["iut.probe.memory.linear", "copies-all", "*#memory=trickle", /bytes were copied, at most/],
    ["iut.probe.beside.own", "shares-a-decoder", "*#beside=*", /other content|should give|should not be there/],
    ["iut.probe.beside.end", "ends-with-another", "*#beside=*,inside", /a message is missing/],
  ])("r[%s]: %s", async (_, bend, filter, says) => {
    const { exitCode, report } = await run(filter, bend);
    const failed = report.outcomes.filter(({ verdict }) => verdict === "fail");
    expect(failed.map(({ difference }) => difference?.problem).join("\n")).toMatch(says);
    expect(exitCode).toBe(1);
  });
});

test("r[iut.probe.capabilities]: what hello does not declare is not applicable, and is asked for behind all cases alone", async () => {
  const honest = probed();
  const asked: string[] = [];
  const { report } = await runInProcess(
    {
      hello: { ...honest.hello, capabilities: ["poison"] },
      handle: (request) => {
        asked.push(request.id ?? "");
        return honest.handle(request);
      },
    },
    { corpus, profiles: ["len32"], filter: "len32/hello#*" },
  );
  const about = (probe: string) => report.outcomes.filter(({ id }) => id.includes(`#${probe}`));
  expect(new Set(about("poison").map(({ verdict }) => verdict))).toEqual(new Set(["pass"]));
  expect(new Set(about("cancel").map(({ verdict, text }) => `${verdict}: ${text}`))).toEqual(
    new Set(["not applicable: capability cancel not declared"]),
  );
  const behind = asked.slice(asked.findIndex((id) => id.startsWith("undeclared/")));
  expect(behind).toContain("undeclared/len32/hello#cancel=each");
  expect(behind.every((id) => id.startsWith("undeclared/"))).toBe(true);
  expect(asked.filter((id) => id.startsWith("len32/") && id.includes("#cancel"))).toEqual([]);
});

test.if(existsSync("/proc/self/clear_refs"))("r[iut.probe.memory.resident]: the system is asked too", async () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  let printed = "";
  const { exitCode, report } = await runConformance({
    way: { kind: "launch", command: `"${process.execPath}" "${main}" ${TOUCHES.name}` },
    ...{ corpus, profiles: ["len32"], filter: "*#memory=2147483648", jobs: 1, seed: "liars" },
    log: () => {},
    print: (text) => {
      printed += text;
    },
  });
  expect(report?.outcomes.map(({ verdict }) => verdict)).toEqual(["fail"]);
  expect(printed).toMatch(TOUCHES.says);
  expect(exitCode).toBe(1);
});

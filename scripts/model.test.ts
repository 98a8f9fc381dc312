import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CHECKS, CLAIMS } from "./model/checks.ts";
import { missingPrograms, readTrace, readVerdict } from "./model/spin.ts";

// It starts processes.
setDefaultTimeout(60_000);

const ROOT = resolve(import.meta.dir, "..");
const source = (name: string) => readFileSync(join(ROOT, "spec/model", name), "utf8");

describe("what the checker says", () => {
  const stored = "   1234 states, stored\n";

  test("a whole search without an error holds", () => {
    const output = `State-vector 80 byte, depth reached 250, errors: 0\n${stored}`;
    expect(readVerdict(output)).toEqual({ broken: null, states: 1234 });
  });

  test.each([
    ["pan:1: assertion violated  !(torn) (at depth 33)", "torn"],
    ["pan:1: invalid end state (at depth 13)", "deadlock"],
    ["pan:1: non-progress cycle (at depth 5)", "endless"],
  ] as const)("%s", (line, broken) => {
    expect(readVerdict(`${line}\nState-vector 80 byte, errors: 1\n${stored}`)).toEqual({ broken, states: 1234 });
  });

  test.each([
    ["that was cut short", `error: max search depth too small\nerrors: 0\n${stored}`],
    ["that never ended", "pan: resizing hashtable to -w26.."],
    ["with an error of no name", `pan:1: assertion violated (id==call)\nerrors: 1\n${stored}`],
  ])("a search %s is no verdict", (_, output) => {
    expect(() => readVerdict(output)).toThrow("expected a");
  });

  test("of a replay only who did what remains, and at a deadlock who waits", () => {
    const replay = [
      "leader: INFER header of call 1 to worker 0",
      "spin: tp.pml:160, Error: assertion violated",
      "#processes: 3",
      "\t\tcall = 1",
      " 34:\tproc  4 (Worker:1) tp.pml:169 (state 22)",
      " 34:\tproc  0 (Leader:1) ",
      " 34:\tproc  1 (Faults:1) tp.pml:230 (state 26) <valid end state>",
    ].join("\n");
    expect(readTrace(replay, false)).toEqual(["leader: INFER header of call 1 to worker 0"]);
    expect(readTrace(replay, true)).toEqual([
      "leader: INFER header of call 1 to worker 0",
      "Worker waits for ever, at tp.pml:169",
      "Leader waits for ever",
    ]);
  });
});

describe("models and checks agree", () => {
  const models = readdirSync(join(ROOT, "spec/model")).filter((name) => name.endsWith(".pml"));

  test.each(models)("%s: every switch is a mutation that is checked, and says what it breaks", (name) => {
    const text = source(name);
    const bounds = ["CALLS", "FAULTS"];
    const switches = [...text.matchAll(/^ *#ifn?def (\w+)/gm)]
      .map(([, it]) => it!)
      .filter((it) => !bounds.includes(it));
    const checked = CHECKS.filter(({ model, mutation }) => `${model}.pml` === name && mutation !== null);
    expect(checked.map(({ mutation }) => mutation!).sort()).toEqual([...new Set(switches)].sort());
    for (const { mutation, breaks } of checked) {
      expect(text).toMatch(new RegExp(`^ \\*   ${mutation} .*r\\[[a-z.-]+\\] +${breaks}$`, "m"));
    }
  });

  test("every claim that a model asserts has a name here", () => {
    const asserted = models.flatMap((name) => [...source(name).matchAll(/assert\(!(\w+)\)/g)].map(([, it]) => it!));
    for (const claim of asserted) expect(Object.keys(CLAIMS)).toContain(claim);
  });

  test("every rule that a model names is one of the spec", () => {
    const rules = ["tp-control.md", "pp-contract.md"]
      .map((name) => readFileSync(join(ROOT, "spec", name), "utf8"))
      .join();
    const named = [...models, "README.md"].flatMap((name) => source(name).match(/r\[[a-z.-]+\]/g) ?? []);
    expect(named.length).toBeGreaterThan(20);
    for (const rule of named) expect(rules).toContain(`\n${rule}\n`);
  });
});

test("without spin the script says how to get it", async () => {
  expect(missingPrograms("")).toEqual(["spin", "gcc"]);
  const status = async (...more: string[]) => {
    const command = [process.execPath, join(import.meta.dir, "model.ts"), ...more];
    const child = Bun.spawn(command, { env: { PATH: "" }, stdout: "ignore", stderr: "pipe", timeout: 20_000 });
    const said = await child.stderr.text();
    return [await child.exited, said.includes("apt-get install spin")];
  };
  expect(await status()).toEqual([69, true]);
  expect(await status("--require")).toEqual([1, true]);
});

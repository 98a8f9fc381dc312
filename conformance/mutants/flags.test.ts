import { describe, expect, test } from "bun:test";
import { jobsOf } from "./flags.ts";

describe("--jobs", () => {
  for (const [given, jobs] of [
    ["1", 1],
    ["2", 2],
    ["64", 64],
  ] as const) {
    test(`${given} is a number of processes`, () => expect(jobsOf(given)).toBe(jobs));
  }

  for (const given of ["0", "65", "1.5", "-1", "two", "", " 2", "1e1", "0x2"]) {
    test(`${JSON.stringify(given)} is none`, () => expect(() => jobsOf(given)).toThrow(TypeError));
  }
});

describe("a wrong flag ends a program with status 64 and its usage", () => {
  for (const [script, ...args] of [
    ["main.ts", "--jobs", "0"],
    ["main.ts", "--no-such"],
    ["coverage.ts", "--jobs", "none"],
    ["coverage.ts", "--no-such"],
    ["mutation/main.ts", "--jobs", "1.5"],
    ["mutation/main.ts", "--package", "transport"],
    ["mutation/main.ts", "--file", "packages/transport/src/ring.ts"],
    ["mutation/main.ts", "--file", "packages/framing/src/no-such.ts"],
  ] as const) {
    test(`${script} ${args.join(" ")}`, () => {
      const { exitCode, stderr } = Bun.spawnSync([process.execPath, `${import.meta.dir}/${script}`, ...args]);
      expect(stderr.toString()).toContain("usage: bun run ");
      expect(exitCode).toBe(64);
    });
  }
});

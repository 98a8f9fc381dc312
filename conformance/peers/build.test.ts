import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "./build.ts";
import type { Peer } from "./peer.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tensorwire-peer-"));
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "src", "main"), "1");
});
afterAll(() => rmSync(folder, { recursive: true }));

const peer = (about: Partial<Peer>): Peer => ({
  name: "a-peer",
  folder,
  about: "",
  needs: [],
  launch: "true",
  differences: [],
  ...about,
});
const builds = () => readFileSync(join(folder, "build", "builds"), "utf8").length;

describe("building a peer", () => {
  test("without its toolchain it is skipped, and says what is missing", async () => {
    const obstacle = await build(peer({ needs: ["sh", "no-such-program"], build: "exit 1" }), () => {});
    expect(obstacle).toEqual({ kind: "skipped", reason: "no no-such-program on this machine" });
  });

  test("a build that fails says how, with its last words", async () => {
    const obstacle = await build(peer({ build: "echo one; echo two >&2; exit 3" }), () => {});
    expect(obstacle?.kind).toBe("not built");
    expect(obstacle?.reason).toStartWith("status 3: ");
    expect(obstacle?.reason).toContain("two");
  });

  test("a build is repeated when a source has changed, and not before", async () => {
    const steady = peer({ build: "printf x >> build/builds" });
    expect(await build(steady, () => {})).toBeUndefined();
    expect(await build(steady, () => {})).toBeUndefined();
    expect(builds()).toBe(1);
    writeFileSync(join(folder, "src", "main"), "2");
    expect(await build(steady, () => {})).toBeUndefined();
    expect(builds()).toBe(2);
  });
});

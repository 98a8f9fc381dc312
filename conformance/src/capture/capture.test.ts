import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Echo, LIMIT, serve } from "../../liars/echo.ts";
import { loadCorpus } from "../corpus/load.ts";
import { type ConformanceOptions, DEFAULT_CORPUS, DEFAULT_SPEC } from "../options.ts";
import { runConformance } from "../run.ts";
import { CaptureFile } from "./capture-file.ts";
import { reassemble } from "./reassemble.ts";
import { PORT_OF, Tape } from "./tape.ts";
import { commented, tshark, tsharkSays } from "./testing.ts";

// Each run starts a process.
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "tensorwire-capture-"));
const corpus = loadCorpus(DEFAULT_CORPUS);
let files = 0;

async function captured(options: ConformanceOptions) {
  const path = join(folder, `${files++}.pcapng`);
  const said: string[] = [];
  const log = (line: string) => void said.push(line);
  const { exitCode, report } = await runConformance({
    corpus,
    seed: "7",
    print: () => {},
    log,
    ...options,
    capture: path,
  });
  const packets = existsSync(path) ? commented(new Uint8Array(readFileSync(path))) : [];
  return { path, exitCode, report, packets, said };
}

const comments = ({ packets }: Pick<Awaited<ReturnType<typeof captured>>, "packets">) =>
  packets.flatMap((packet) => packet.comments.map((comment) => JSON.parse(comment)));
const streams = ({ packets }: Pick<Awaited<ReturnType<typeof captured>>, "packets">) =>
  reassemble(packets.map(({ segment }) => segment)).map((one) => one.stream());

describe("--capture, of scenarios on connections,", () => {
  test("has every byte that went there, with the scenario, its steps, what was told and the verdict", async () => {
    const run = await captured({ filter: "wire/len64/split/hello#cut=*" });
    expect(run.exitCode).toBe(0);
    const ids = run.report?.outcomes.map(({ id }) => id) ?? [];
    expect(ids.length).toBeGreaterThan(5);
    const found = streams(run);
    expect(found.map(({ dialler }) => Buffer.concat(dialler.reads).toString("hex"))).toEqual(
      ids.map(() => "000000000000000568656c6c6f"),
    );
    // A cut is where the harness has waited for the implementation.
    expect(found[2]?.dialler.reads.map(({ length }) => length)).toEqual([3, 10]);
    expect(found[2]?.dialler).toMatchObject({ to: `198.19.0.1:${PORT_OF.len64}`, ending: "end" });
    const said = comments(run).filter(({ scenario }) => scenario === ids[2]);
    expect(said).toEqual([
      { scenario: ids[2], conn: "a", profile: "len64", opened_by: "harness" },
      { scenario: ids[2], step: 0 },
      { scenario: ids[2], step: 1 },
      {
        scenario: ids[2],
        step: 1,
        request: "sync",
        read: 13,
        events: [{ event: "message", value: { payload: "68656c6c6f" } }],
      },
      { scenario: ids[2], step: 2 },
      { scenario: ids[2], step: 2, request: "sync", read: 13, events: [{ event: "end" }] },
      { scenario: ids[2], step: 2, verdict: "pass" },
    ]);
  });

  test("has what the implementation sent, who opened each connection, and how it ended", async () => {
    const patterns = ["wire/len64/reset-*", "wire/len64/dialled*", "wire/len64/unix*", "wire/len64/two-connections*"];
    for (const filter of patterns) {
      const run = await captured({ filter });
      const opened = comments(run).filter(({ opened_by }) => opened_by !== undefined);
      const found = streams(run);
      expect([filter, found.length]).toEqual([filter, opened.length]);
      for (const [i, { opened_by, profile, over }] of opened.entries()) {
        const { dialler, listener } = found[i]!;
        expect(dialler.to).toBe(`198.19.0.1:${PORT_OF[profile]}`);
        expect([undefined, "unix"]).toContain(over);
        // Whoever it is, both directions are over: the harness lets go at the end.
        expect([opened_by, dialler.ending !== undefined, listener.ending !== undefined]).toEqual([
          opened_by,
          true,
          true,
        ]);
      }
    }
  });

  test("is the same for the same run, apart from its times", async () => {
    const told = async () => {
      const { packets } = await captured({ filter: "wire/len32/split/hello*", jobs: 3 });
      return packets.map(({ segment: { at: _, payload, ...rest }, comments }) => [rest, payload.toHex(), comments]);
    };
    const one = await told();
    expect(one.length).toBeGreaterThan(80);
    expect(await told()).toEqual(one);
  });

  test("has a verdict that is none of passing with its reason, on a connection that is still there", () => {
    const path = join(folder, "verdict.pcapng");
    const file = new CaptureFile(path, "For a test.");
    const tape = new Tape(file, "wire/x/one", { profile: "x", opened_by: "iut" });
    tape.say({ before: "any connection" });
    tape.open("a").resets("iut");
    const other = tape.open("b");
    tape.step(3);
    other.wrote(new Uint8Array(1));
    tape.verdict({ id: "wire/x/one/case", profile: "x", verdict: "fail", text: "nothing came" });
    file.close();
    const packets = commented(new Uint8Array(readFileSync(path)));
    const scenario = "wire/x/one";
    expect(comments({ packets })).toEqual([
      { scenario, conn: "a", profile: "x", opened_by: "iut" },
      { scenario, before: "any connection" },
      { scenario, conn: "b", profile: "x", opened_by: "iut" },
      { scenario, step: 3 },
      { scenario, step: 3, case: "wire/x/one/case", verdict: "fail", text: "nothing came" },
    ]);
    // The listener of a connection that the implementation has opened is the harness.
    expect(packets.at(-1)?.segment.from).toBe("198.19.0.1:47100");
  });

  test("says so where nothing is to be captured, and refuses a recording", async () => {
    const none = await captured({ filter: "len64/hello" });
    expect(none.said.join("\n")).toContain("no data connection was opened, so it has no packets");
    const said: string[] = [];
    const log = (line: string) => void said.push(line);
    const replayed = await runConformance({
      replay: join(folder, "nothing.link"),
      capture: join(folder, "x.pcapng"),
      log,
    });
    expect(replayed.exitCode).toBe(64);
    expect(said.join("\n")).toContain("--replay takes its capture from the recording, or has none");
    const nowhere = await runConformance({
      corpus,
      log: () => {},
      print: () => {},
      capture: join(folder, "no", "such.pcapng"),
    });
    expect(nowhere.exitCode).toBe(64);
  });
});

test("--capture, of an echo endpoint, has every case on a connection of its own", async () => {
  const { server, port } = await serve(Echo);
  const way = { kind: "wire", address: `127.0.0.1:${port}`, profile: "len32", maxFrameLength: LIMIT } as const;
  const run = await captured({ way, filter: "len32/hello*" });
  server.close();
  expect(run.exitCode).toBe(0);
  const found = streams(run);
  const whole = found.filter(({ dialler, listener }) => dialler.length === 9 && listener.length === 9);
  expect(whole.length).toBeGreaterThan(20);
  for (const { dialler, listener } of whole)
    expect(Buffer.concat(listener.reads)).toEqual(Buffer.concat(dialler.reads));
  const said = comments(run);
  expect(said).toContainEqual({ scenario: "len32/hello#cut=3", conn: "a", profile: "len32", opened_by: "harness" });
  expect(said).toContainEqual({ scenario: "len32/hello#cut=3", step: 1, verdict: "pass" });
  expect(said[0]).toMatchObject({ scenario: "link-check/len32/canary" });
});

describe.if(tshark !== null)("tshark, of a captured run,", () => {
  test("opens it with the dissector of the specification, without being told a port", async () => {
    const dissector = join(DEFAULT_SPEC, "layouts", "wireshark", "tensorwire.lua");
    for (const [profile, vector] of [
      ["len64", "hello"],
      ["tp", "infer"],
    ]) {
      const run = await captured({ filter: `wire/${profile}/split/${vector}#cut=1*` });
      const fields = ["-T", "fields", "-e", "tcp.stream", "-Y", `tensorwire.${profile}`];
      const said = await tsharkSays(run.path, "-X", `lua_script:${dissector}`, ...fields);
      const seen = new Set(said.trimEnd().split("\n").map(Number));
      expect(seen).toEqual(new Set(streams(run).map(({ number }) => number)));
    }
  });

  test("finds the scenario of every stream, and no checksum wrong", async () => {
    const run = await captured({ filter: "wire/multipart/split/*" });
    const checks = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"];
    const wrong = await tsharkSays(run.path, ...checks, "-Y", "ip.checksum.status != 1 || tcp.checksum.status != 1");
    expect(wrong).toBe("");
    const verdicts = await tsharkSays(
      run.path,
      "-Y",
      'frame.comment contains "verdict"',
      "-T",
      "fields",
      "-e",
      "tcp.stream",
    );
    const numbers = verdicts.trimEnd().split("\n").map(Number);
    expect(numbers).toEqual(streams(run).map(({ number }) => number));
  });
});

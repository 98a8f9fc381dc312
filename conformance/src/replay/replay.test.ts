import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GALLERY } from "../../liars/gallery.ts";
import { honest, honestHello } from "../../liars/honest.ts";
import type { InProcessIut } from "../link/in-process.ts";
import type { ConformanceOptions } from "../options.ts";
import type { Answer } from "../protocol.ts";
import { SAMPLE, sampleIut } from "../report/testing.ts";
import { runConformance } from "../run.ts";
import { testCase, testCorpus } from "../testing.ts";
import { RecordingError, readRecording } from "./recording.ts";

const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
const file = (name: string) => join(folder, name);
const quiet = { log: () => {}, print: () => {}, corpus: SAMPLE } satisfies ConformanceOptions;

/** Records a run and judges the recording: both JSON reports. */
async function both(name: string, options: ConformanceOptions) {
  const link = file(`${name}.link`);
  const live = await runConformance({ ...quiet, ...options, record: link, json: file(`${name}.json`) });
  const { corpus = SAMPLE, baseline } = options;
  const again = await runConformance({
    ...{ ...quiet, corpus, replay: link, json: file(`${name}.again`) },
    ...(baseline !== undefined && { baseline }),
  });
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  return { live, again, first: read(file(`${name}.json`)), second: read(file(`${name}.again`)) };
}

const main = fileURLToPath(new URL("../../liars/main.ts", import.meta.url));

describe("a replay gives the report of the run that was recorded", () => {
  test("for a codec that fails", async () => {
    const { live, first, second } = await both("fails", {
      way: { kind: "in-process", iut: sampleIut("sample", "eof-in-prefix-clean") },
    });
    expect(live.exitCode).toBe(1);
    expect(second).toEqual(first);
  });

  test("for crashes, restarts, and cases that were left unrun", async () => {
    const many = testCorpus(
      ...Array.from({ length: 14 }, (_, i) => testCase(`len32/${i}`)),
      SAMPLE.cases()[Symbol.iterator]().next().value,
    );
    const crash: InProcessIut = {
      hello: honestHello,
      handle: (request) => {
        if (request.op === "case" && !request.id.startsWith("link-check")) throw new Error("segfault");
        return honest(request);
      },
    };
    const { live, first, second } = await both("crash", { way: { kind: "in-process", iut: crash }, corpus: many });
    expect(live.report?.notRun.get("len32")).toBeGreaterThan(0);
    expect(second).toEqual(first);
  });

  test("for a narrowed run with a baseline", async () => {
    const baseline = file("baseline.json");
    writeFileSync(baseline, '{"entries":[{"pattern":"len32/cut","reason":"known"}]}');
    const { live, first, second } = await both("known", {
      way: { kind: "in-process", iut: sampleIut("sample", "eof-in-prefix-clean") },
      filter: "len32/*",
      baseline,
    });
    expect(live.exitCode).toBe(0);
    expect(second).toEqual(first);
  });

  for (const name of ["always-ok", "empty-result", "declines-everything", "prints-on-stdout", "wrong-seq"]) {
    const liar = GALLERY.find((each) => each.name === name);
    if (liar === undefined) continue;
    test(`for the liar ${name}`, async () => {
      const { live, again, first, second } = await both(name, {
        way: { kind: liar.way ?? "launch", command: `"${process.execPath}" "${main}" ${name}` },
        jobs: 1,
        seed: "liars",
      });
      expect(live.exitCode).toBe(liar.exit as never);
      expect(again.exitCode).toBe(live.exitCode);
      expect({ ...second.summary, seconds: 0 }).toEqual({ ...first.summary, seconds: 0 });
      expect(second.cases).toEqual(first.cases);
    });
  }
});

describe("a recording", () => {
  test("holds every line of the link, both ways, with its number", async () => {
    await both("lines", { way: { kind: "in-process", iut: sampleIut("sample") } });
    const { header, events, footer } = readRecording(file("lines.link"));
    expect(header).toMatchObject({ recording: 1, corpus: SAMPLE.hash, wire: false });
    const said = events.map(({ link, ...event }) => [link, Object.keys(event)[0], Object.values(event)[0]]);
    expect(said[0]?.slice(0, 2)).toEqual([1, "received"]);
    expect(JSON.parse(said[0]?.[2] as string)).toEqual({ ...honestHello, iut: { ...honestHello.iut, name: "sample" } });
    expect(said[1]?.slice(0, 2)).toEqual([1, "sent"]);
    expect(JSON.parse(said[1]?.[2] as string).op).toBe("welcome");
    const asked = events.filter((event) => "sent" in event && event.sent.includes('"id":"len32/cut"'));
    expect(asked).toHaveLength(1);
    expect(footer).toMatchObject({ links: 1, restarts: 0 });
  });

  test("says when it is none, or of another corpus, or asked for what it fixes", async () => {
    writeFileSync(file("no.link"), '{"recording":2}\n');
    expect(() => readRecording(file("no.link"))).toThrow(RecordingError);
    expect(() => readRecording(file("missing.link"))).toThrow(RecordingError);
    await both("mine", { way: { kind: "in-process", iut: sampleIut("sample") } });
    const replay = file("mine.link");
    const other = { ...SAMPLE, hash: `sha256:${"1".repeat(64)}` };
    const said: string[] = [];
    const log = (line: string) => void said.push(line);
    expect((await runConformance({ ...quiet, corpus: other, replay, log })).exitCode).toBe(64);
    expect((await runConformance({ ...quiet, replay, seed: "7", log })).exitCode).toBe(64);
    expect(said.join()).toMatch(/was recorded with the corpus .* takes its seed from the recording/s);
  });

  test("that was cut short is judged as far as it goes", async () => {
    await both("cut", { way: { kind: "in-process", iut: sampleIut("sample") } });
    const lines = readFileSync(file("cut.link"), "utf8").split("\n");
    const before = lines.findIndex((line) => line.includes('\\"id\\":\\"len32/cut\\"'));
    writeFileSync(file("short.link"), `${lines.slice(0, before).join("\n")}\n`);
    const { report } = await runConformance({ ...quiet, replay: file("short.link") });
    expect(report?.notRun.get("len32")).toBe(1);
    expect(report?.exit).toBe(1);
  });
});

test("an answer with a wrong seq is wrong again", async () => {
  const off: InProcessIut = {
    hello: honestHello,
    handle: (request) => {
      const answer = honest(request) as Answer;
      return request.id?.startsWith("len32/") ? { ...answer, seq: answer.seq + 1 } : answer;
    },
  };
  const { live, again } = await both("seq", { way: { kind: "in-process", iut: off } });
  expect(live.exitCode).toBe(3);
  expect(again.exitCode).toBe(3);
});

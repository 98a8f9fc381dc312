import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runConformance } from "../../src/index.ts";
import { findChromium, launchChromium } from "../../src/report/html/chromium.ts";

// The harness has deadlines of its own; this one catches a hang.
setDefaultTimeout(120_000);

const path = findChromium();
if (path === undefined) console.log("no Chromium here: the port in a browser is not tested");

test("a Chromium is here when one is required", () => {
  expect(path !== undefined || process.env.TENSORWIRE_REQUIRE_CHROMIUM !== "1").toBe(true);
});

/** A run that waits by WebSocket; `dial` gets the URL that it prints. */
async function attached(dial: (link: string) => unknown, filter?: string) {
  const { exitCode, report } = await runConformance({
    ...{ way: { kind: "attach", listen: "ws://127.0.0.1:0" }, profiles: ["len64"], startDeadline: 60_000 },
    ...(filter !== undefined && { filter }),
    print: () => {},
    log: (line) => {
      const link = /a page dials (\S+)$/.exec(line)?.[1];
      if (link !== undefined) dial(link);
    },
  });
  const outcomes = report?.outcomes ?? [];
  const failed = outcomes.filter(({ verdict }) => verdict !== "pass" && verdict !== "not applicable");
  return {
    exitCode,
    trouble: report?.trouble,
    failed: failed.map(({ id, verdict }) => `${verdict} ${id}`),
    passed: outcomes.filter(({ verdict }) => verdict === "pass").length,
    contradictions: report?.contradictions,
  };
}

const RIGHT = { exitCode: 0 as const, trouble: undefined, failed: [], contradictions: [] };

test.if(path !== undefined)("r[iut.ways.web-socket]: a page in a Chromium passes the corpus for len64", async () => {
  const browser = await launchChromium(path ?? "");
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on("pageerror", ({ message }) => faults.push(message));
  const { passed, ...run } = await attached((link) => {
    const url = `${pathToFileURL(join(import.meta.dir, "index.html")).href}?link=${encodeURIComponent(link)}`;
    page.goto(url).catch(({ message }: Error) => faults.push(message));
  });
  expect([faults, run]).toEqual([[], RIGHT]);
  expect(passed).toBeGreaterThan(3000);
  await page.getByText("The link is over: 1005.").or(page.getByText("The link is over: 1000.")).waitFor();
  await browser.close();
});

const SOME = "len64/hello*";

test.if(path !== undefined)("r[iut.ways.web-socket]: so does a worker, which has no document", async () => {
  using server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    routes: {
      "/": new Response("<!doctype html>", { headers: { "content-type": "text/html" } }),
      "/worker.js": new Response('importScripts("len64.js", "shim.js");', {
        headers: { "content-type": "text/javascript" },
      }),
      "/len64.js": new Response(Bun.file(join(import.meta.dir, "len64.js"))),
      "/shim.js": new Response(Bun.file(join(import.meta.dir, "shim.js"))),
    },
  });
  const browser = await launchChromium(path ?? "");
  const page = await browser.newPage();
  await page.goto(server.url.href);
  const { passed, ...run } = await attached((link) => {
    const script = `new Worker("worker.js?link=" + encodeURIComponent(${JSON.stringify(link)}))`;
    return page.evaluate(script).catch(() => {});
  }, SOME);
  await browser.close();
  expect(run).toEqual(RIGHT);
  expect(passed).toBeGreaterThan(100);
});

test("r[iut.ways.web-socket]: and a program that is given the URL, and says on stdout what a page shows", async () => {
  const [codec, shim] = ["len64.js", "shim.js"].map((name) => join(import.meta.dir, name));
  const said = Promise.withResolvers<[string, number]>();
  const { passed, ...run } = await attached((link) => {
    const words = [process.execPath, "--preload", codec ?? "", shim ?? "", link];
    const child = Bun.spawn(words, { stdin: "ignore", stdout: "pipe" });
    Promise.all([child.stdout.text(), child.exited]).then(said.resolve, said.reject);
  }, SOME);
  expect(run).toEqual(RIGHT);
  expect(passed).toBeGreaterThan(100);
  expect(await said.promise).toEqual([expect.stringMatching(/^The harness asks\.\nThe link is over: 100[05]\.\n$/), 0]);
});

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

test.if(path !== undefined)("r[iut.ways.web-socket]: a page in a Chromium passes the corpus for len64", async () => {
  const browser = await launchChromium(path ?? "");
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on("pageerror", ({ message }) => faults.push(message));
  const { exitCode, report } = await runConformance({
    way: { kind: "attach", listen: "ws://127.0.0.1:0" },
    profiles: ["len64"],
    startDeadline: 60_000,
    print: () => {},
    log: (line) => {
      const link = /a page dials (\S+)$/.exec(line)?.[1];
      const url = `${pathToFileURL(join(import.meta.dir, "index.html")).href}?link=${encodeURIComponent(link ?? "")}`;
      if (link !== undefined) page.goto(url).catch(({ message }: Error) => faults.push(message));
    },
  });
  const outcomes = report?.outcomes ?? [];
  const failed = outcomes.filter(({ verdict }) => verdict !== "pass" && verdict !== "not applicable");
  expect([report?.trouble, faults, failed.map(({ id, verdict }) => `${verdict} ${id}`)]).toEqual([undefined, [], []]);
  expect(outcomes.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(3000);
  expect(report?.contradictions).toEqual([]);
  expect(exitCode).toBe(0);
  await page.getByText("The link is over: 1005.").or(page.getByText("The link is over: 1000.")).waitFor();
  await browser.close();
});

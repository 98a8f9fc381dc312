import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { html } from "../html.ts";
import { jsonReport } from "../report.ts";
import { sampleReport } from "../testing.ts";
import { findChromium, launchChromium } from "./chromium.ts";

setDefaultTimeout(60_000);

const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title="owned"</script>\u202egnp.exe`;
const WIDTHS = [1280, 390] as const;
const SCHEMES = ["light", "dark"] as const;

const path = findChromium();
const required = process.env.TENSORWIRE_REQUIRE_CHROMIUM === "1";
if (path === undefined) console.log("no Chromium here: the HTML report is not tested in a browser");

test("a Chromium is here when one is required", () => {
  expect(path !== undefined || !required).toBe(true);
});

describe.if(path !== undefined)("the HTML report in a Chromium", () => {
  let browser: Browser;
  let url = "";
  const asked: string[] = [];

  beforeAll(async () => {
    browser = await launchChromium(path ?? "");
    const reports = [
      await sampleReport("good"),
      await sampleReport("early", "eof-in-prefix-clean"),
      await sampleReport(HOSTILE, "partial-prefix-dropped"),
    ];
    const file = join(mkdtempSync(join(tmpdir(), "tensorwire-")), "matrix.html");
    writeFileSync(file, html(reports.map(jsonReport)));
    url = pathToFileURL(file).href;
  });
  afterAll(async () => {
    await browser?.close();
  });

  async function open(fragment = "", { width = 1280, scheme = "light" as "light" | "dark" } = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
    page.on("request", (request) => asked.push(request.url()));
    page.on("pageerror", (error) => {
      throw error;
    });
    await page.goto(url + fragment);
    return page;
  }

  const failing = (page: Page) => page.locator(".matrix a.failed").first();

  test("asks for nothing but itself", async () => {
    const page = await open();
    await failing(page).click();
    expect(new Set(asked.map((each) => each.split("#")[0]))).toEqual(new Set([url]));
    await page.close();
  });

  test("shows hostile names as text: nothing of them runs, and no direction is turned", async () => {
    const page = await open();
    expect(await page.title()).toBe("Conformance of 3 implementations");
    expect(await page.locator("img, body script:not(:last-of-type)").count()).toBe(0);
    expect(await page.locator(".agents h2").nth(2).textContent()).toContain('<script>document.title="owned"</script>');
    expect(await page.content()).not.toContain("\u202e");
    await page.close();
  });

  test("a failing cell leads to its page and back, and only one of them is seen", async () => {
    const page = await open();
    const cell = failing(page);
    const id = await cell.getAttribute("id");
    await cell.click();
    expect(await page.locator("main").isVisible()).toBe(false);
    const article = page.locator("article.page:target");
    expect(await article.locator("h2").textContent()).toContain("len32/");
    for (const word of ["Repeat", "Bytes", "Steps", "Good until", "expected", "actual"]) {
      expect(await article.textContent()).toContain(word);
    }
    await page.keyboard.press("Escape");
    expect(await page.locator("main").isVisible()).toBe(true);
    expect(await page.evaluate("document.activeElement.id")).toBe(id ?? "");
    await page.close();
  });

  test("can be walked by keys alone: arrows in the matrix, n and p between failures", async () => {
    const page = await open();
    await page.locator(".matrix button[aria-expanded=true]").first().focus();
    await page.keyboard.press("ArrowDown");
    expect(await page.evaluate('document.activeElement.matches(".matrix a.failed")')).toBe(true);
    await page.keyboard.press("Enter");
    const first = await page.evaluate("location.hash");
    await page.locator("article.page:target nav").waitFor();
    await page.keyboard.press("p");
    expect(await page.evaluate("location.hash")).not.toBe(first);
    await page.keyboard.press("n");
    expect(await page.evaluate("location.hash")).toBe(first);
    await page.close();
  });

  test("folds families that pass, and finds vectors by a word", async () => {
    const page = await open();
    const rows = page.locator("tr.vector:visible");
    expect(await rows.count()).toBe(2);
    await page.locator("#search").fill("cut");
    expect(await rows.allInnerTexts()).toEqual([expect.stringContaining("cut")]);
    await page.locator("#search").fill("");
    await page.locator("#only").check();
    expect(await rows.count()).toBe(2);
    expect(await page.locator("#shown").textContent()).toMatch(/^\d+ vectors?$/);
    await page.close();
  });

  for (const width of WIDTHS) {
    for (const scheme of SCHEMES) {
      test(`fits ${width} pixels and can be read in ${scheme}`, async () => {
        const page = await open("", { width, scheme });
        await failing(page).click();
        for (const fragment of ["", await page.evaluate("location.hash")]) {
          await page.goto(url + fragment);
          expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
          expect(await page.evaluate(FAINT)).toEqual([]);
        }
        await page.close();
      });
    }
  }

  test("is all there without a script", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(url);
    expect(await page.locator("tr.vector:visible").count()).toBe(3);
    await failing(page).click();
    expect(await page.locator("article.page:target").isVisible()).toBe(true);
    await context.close();
  });
});

/** In the browser: texts whose contrast with what is behind them is below 4.5, the least that WCAG AA asks for. */
const FAINT = `(() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
    const box = element.getBoundingClientRect();
    if (!own || box.width < 2 || !element.checkVisibility()) continue;
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(ratio.toFixed(2) + " " + element.tagName + " " + element.textContent.slice(0, 40));
  }
  return found;
})()`;

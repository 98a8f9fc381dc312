import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Where systems keep a Chromium; for tests only. `TENSORWIRE_CHROMIUM` names another. */
const PLACES = [
  process.env.TENSORWIRE_CHROMIUM,
  Bun.which("chromium"),
  Bun.which("chromium-browser"),
  Bun.which("google-chrome"),
];

/** Undefined where there is none: its tests are then skipped, unless `TENSORWIRE_REQUIRE_CHROMIUM` is 1. */
export function findChromium(): string | undefined {
  return PLACES.find((path): path is string => typeof path === "string" && existsSync(path));
}

/** Headless, without a sandbox (containers run as root) and without any connection of its own. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

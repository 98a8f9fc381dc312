import { expect, test } from "bun:test";
import { systemClock } from "./clock.ts";

test.each([2 ** 31, Number.POSITIVE_INFINITY])(
  "%d ms do not fit a timer: it never fires, and not at once",
  async (ms) => {
    let fired = false;
    const timer = systemClock.setTimeout(() => {
      fired = true;
    }, ms);
    const { promise, resolve } = Promise.withResolvers<void>();
    systemClock.setTimeout(resolve, 5);
    await promise;
    expect(fired).toBeFalse();
    systemClock.clearTimeout(timer);
  },
);

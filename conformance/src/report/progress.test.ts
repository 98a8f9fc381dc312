import { expect, test } from "bun:test";
import { fileURLToPath } from "node:url";

const PROGRESS = fileURLToPath(new URL("progress.ts", import.meta.url));

/** A process that shows progress, says so, and then does this. */
async function leaving(how: string) {
  const script = `
    import { progress } from ${JSON.stringify(PROGRESS)};
    const bar = progress(Object.assign(process.stdout, { isTTY: true }), () => 10);
    bar.advance(true);
    console.log("shown");
    ${how}`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  let printed = "";
  for await (const chunk of child.stdout) {
    const before = printed.includes("shown");
    printed += new TextDecoder().decode(chunk);
    if (!before && printed.includes("shown") && how.includes("setInterval")) child.kill("SIGINT");
  }
  await child.exited;
  return { printed, child };
}

const HIDE = "\x1b[?25l";
const SHOW = "\x1b[?25h";

test("a signal gives the terminal its cursor back, and ends the process", async () => {
  const { printed, child } = await leaving("setInterval(() => {}, 1000);");
  expect(child.signalCode).toBe("SIGINT");
  expect(printed.lastIndexOf(SHOW)).toBeGreaterThan(printed.lastIndexOf(HIDE));
});

test("so does an end in the middle", async () => {
  const { printed, child } = await leaving("process.exit(3);");
  expect(child.exitCode).toBe(3);
  expect(printed.lastIndexOf(SHOW)).toBeGreaterThan(printed.lastIndexOf(HIDE));
});

test("an end in order gives it back once", async () => {
  const { printed } = await leaving("bar.stop();");
  expect(printed.split(SHOW)).toHaveLength(2);
});

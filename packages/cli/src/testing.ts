/** For the tests of this package. */
import { join } from "node:path";
import { firstLine } from "@tensorwire/conformance/testing";

/** Runs the command in a process of its own, to its end. */
export async function tensorwire(...words: readonly string[]) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), ...words], {
    stdout: "pipe",
    stderr: "pipe",
    stdin: "ignore",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, code };
}

/** Starts `tensorwire stage` and waits until it is ready; disposing of it ends it. */
export async function startStage(...words: readonly string[]): Promise<AsyncDisposable & { readonly address: string }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), "stage", ...words], {
    stdout: "pipe",
    stderr: "ignore",
    stdin: "ignore",
  });
  const dispose = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  const { address } = JSON.parse(await firstLine(child.stdout));
  return { address, [Symbol.asyncDispose]: dispose };
}

/** For the tests of this package. */
import { join } from "node:path";

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
  for await (const chunk of child.stdout) {
    const [line] = new TextDecoder().decode(chunk).split("\n");
    return { address: JSON.parse(line!).address, [Symbol.asyncDispose]: dispose };
  }
  throw new Error(`the stage ended before it was ready, with status ${await child.exited}`);
}

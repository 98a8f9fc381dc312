import { fileURLToPath } from "node:url";
import { firstLine } from "../src/testing.ts";

const ENDPOINT = fileURLToPath(new URL("endpoint.ts", import.meta.url));

/** Starts an endpoint of `endpoint.ts` and hands over its address; what is disposed of is ended. */
export async function startEndpoint(name: string): Promise<{ readonly address: string } & Disposable> {
  const child = Bun.spawn([process.execPath, ENDPOINT, name], { stdout: "pipe", stderr: "ignore" });
  const port = Number(await firstLine(child.stdout));
  return { address: `127.0.0.1:${port}`, [Symbol.dispose]: () => child.kill("SIGKILL") };
}
